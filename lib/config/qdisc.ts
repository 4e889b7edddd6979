/** `tc qdisc`, for networks that are slow, lossy or narrow on purpose. */

import type { Namespace } from '../namespace.ts'
import { refused } from '../wire/errors.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { checkLink, checkObject, type LinkRef, nameLink } from './check.ts'
import { dumpNamed, type LinkNames } from './names.ts'
import { later, now, type Operation } from './operation.ts'
import { checkKind, type QdiscSpec, TCA, writeClassOptions, writeOptions } from './qdisc-spec.ts'
import { exchange } from './transport.ts'

const MESSAGE = { new: 36, delete: 37, get: 38, newClass: 40 } as const
const ROOT = 0xffff_ffff

/** How a link queues what it sends. */
export interface Qdisc {
  /** The link's name. */
  dev: string
  /** The link's index. */
  index: number
  /** `tbf`, `htb`, `netem`, `fq_codel`, `noqueue`, …. */
  kind: string
  /** `1:`, `0:` for the kernel's own. */
  handle: string
  /** `root`, or the class that it is in. */
  parent: string
}

/** Traffic control of one namespace. Changes throw `EPERM` without `CAP_NET_ADMIN` there. */
export class Qdiscs {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * What is in use, on every link or one (`RTM_GETQDISC`).
   *
   * @throws `ENODEV` if there is no such link; `ERR_NETNS_INTERRUPTED`, with `partial`
   */
  list(filter: { dev?: LinkRef } = {}): Promise<Qdisc[]> {
    return later(this.#list(filter))
  }

  /** As {@link list}, on this thread: for some tens of microseconds. */
  listSync(filter: { dev?: LinkRef } = {}): Qdisc[] {
    return now(this.#list(filter))
  }

  *#list(filter: { dev?: LinkRef }): Operation<Qdisc[]> {
    const link = filter.dev === undefined ? undefined : checkLink(filter.dev, 'filter.dev')
    return yield* this.#ask(link, 'list qdiscs')
  }

  *#ask(link: number | string | undefined, words: string): Operation<Qdisc[]> {
    const write = (request: Request) => writeHeader(request, MESSAGE.get, FLAG.dump, 0, 0, 0).end()
    const decoder = (names: LinkNames) => {
      // The kernel tells of all links, whichever is asked for.
      const index = link === undefined ? undefined : names.indexOf(link, words)
      return (reader: Reader, message: Message) => {
        const found = decode(reader, message, names)
        return index === undefined || found?.index === index ? found : undefined
      }
    }
    return yield* dumpNamed(this.#namespace, write, decoder, words)
  }

  /**
   * Puts a qdisc at the root of a link, in place of what is there.
   *
   * @example
   * ```ts
   * await red.qdisc.replace({ dev: 'eth0', kind: 'netem', delay: 50, loss: 1 })
   * ```
   * @throws `ENOENT` if the kernel lacks the kind, naming its module; `ENODEV`
   */
  replace(spec: QdiscSpec): Promise<void> {
    return later(this.#replace(spec))
  }

  /** As {@link replace}, on this thread: for a tenth of a millisecond, or longer if the kernel loads a module for it. */
  replaceSync(spec: QdiscSpec): void {
    now(this.#replace(spec))
  }

  *#replace(spec: QdiscSpec): Operation<void> {
    const link = checkLink(checkObject(spec, 'spec').dev, 'spec.dev')
    const kind = checkKind(spec.kind)
    const words = `put ${kind} on ${nameLink(spec.dev)}`
    // What is wrong with the options is found before anything is asked.
    writeOptions(new Request(), spec)
    const root = (yield* this.#ask(link, words)).find(({ parent }) => parent === 'root')
    const handle = handleBeside(root, kind)
    const request = Request.take()
    writeHeader(request, MESSAGE.new, FLAG.create | FLAG.replace | FLAG.ack, link, handle, ROOT)
    request.attributeText(TCA.kind, kind)
    writeOptions(request, spec)
    request.end()
    if (spec.kind === 'htb') {
      writeHeader(request, MESSAGE.newClass, FLAG.create | FLAG.replace | FLAG.ack, link, handle | 1, handle)
      request.attributeText(TCA.kind, kind)
      writeClassOptions(request, spec)
      request.end()
    }
    const { refusals } = yield* exchange(this.#namespace, request)
    const refusal = refusals[0]
    if (refusal === undefined) return
    const module = `sch_${kind}`
    const lacking = refusal.code === 'ENOENT' && refusal.items[0] === 0
    const remedy = lacking
      ? `The kernel here lacks it: it needs its module '${module}' (modprobe ${module}).`
      : undefined
    throw refused(refusal, words, remedy)
  }

  /**
   * Takes the root qdisc of a link away; the kernel's own takes its place.
   *
   * @throws `ENOENT` if there is none but the kernel's own
   */
  delete(spec: { dev: LinkRef }): Promise<void> {
    return later(this.#delete(spec))
  }

  /** As {@link delete}, on this thread: the kernel may take some milliseconds. */
  deleteSync(spec: { dev: LinkRef }): void {
    now(this.#delete(spec))
  }

  *#delete(spec: { dev: LinkRef }): Operation<void> {
    const link = checkLink(checkObject(spec, 'spec').dev, 'spec.dev')
    const request = writeHeader(Request.take(), MESSAGE.delete, FLAG.ack, link, 0, ROOT).end()
    const { refusals } = yield* exchange(this.#namespace, request)
    if (refusals[0] !== undefined) throw refused(refusals[0], `take the qdisc off ${nameLink(spec.dev)}`)
  }
}

/**
 * The handle for a new root. One of the same kind is changed in place, except for htb, which cannot be; any other is put
 * beside the old one, which the kernel lets go of only when the new one is there.
 */
function handleBeside(root: Qdisc | undefined, kind: string): number {
  const major = Number.parseInt(root?.handle ?? '0:', 16)
  if (root?.kind === kind && kind !== 'htb' && major !== 0) return (major << 16) >>> 0
  return major === 1 ? 2 << 16 : 1 << 16
}

/** `struct tcmsg`. */
function writeHeader(
  request: Request,
  type: number,
  flags: number,
  link: number | string,
  handle: number,
  parent: number
) {
  return request.begin(type, flags).u8(0).u8(0).u16(0).link(link).u32(handle).u32(parent).u32(0)
}

function decode(reader: Reader, message: Message, names: ReadonlyMap<number, string>): Qdisc | undefined {
  if (message.type !== MESSAGE.new) return undefined
  const { start, end } = message
  const index = reader.u32(start + 4)
  const parent = reader.u32(start + 12)
  const kind = reader.attributes(start + 20, end).find(({ type }) => type === TCA.kind)
  return {
    dev: names.get(index) ?? String(index),
    index,
    kind: kind === undefined ? '' : reader.text(kind.start, kind.end),
    handle: handleText(reader.u32(start + 8)),
    parent: parent === ROOT ? 'root' : handleText(parent)
  }
}

function handleText(handle: number): string {
  const minor = handle & 0xffff
  return `${(handle >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`
}
