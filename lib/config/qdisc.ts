/** `tc qdisc`, for networks that are slow, lossy or narrow on purpose. */
import { invalidType, invalidValue, refused } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { checkInteger, checkLink, checkObject, type LinkRef, nameLink } from './check.ts'
import { dumpNamed, type Names } from './names.ts'
import { exchange } from './transport.ts'

const MESSAGE = { new: 36, delete: 37, get: 38, newClass: 40 } as const
/** `TCA_…`. */
const TCA = { kind: 1, options: 2 } as const
const ROOT = 0xffff_ffff
const HANDLE = 0x0001_0000
/** The kernel counts such times in units of 64 ns. */
const TICK = 64
const ETHERNET = 1

/** How a link queues what it sends. Rates are in bits per second, times in milliseconds, sizes in bytes, shares in %. */
export type QdiscSpec = { dev: LinkRef } & (
  | {
      kind: 'tbf'
      rate: number
      /** What may go out at once. Default: what the rate gives in 10 ms, at least 5,000. */
      burst?: number
      /** How long a packet may wait before it is dropped. Default 50. */
      latency?: number
    }
  | { kind: 'htb'; rate: number; ceil?: number; burst?: number }
  | {
      kind: 'netem'
      delay?: number
      jitter?: number
      loss?: number
      duplicate?: number
      corrupt?: number
      reorder?: number
      rate?: number
      /** Packets. Default 1,000. */
      limit?: number
    }
  | {
      kind: 'fq_codel'
      target?: number
      interval?: number
      limit?: number
      flows?: number
      quantum?: number
      ecn?: boolean
    }
)

/** How a link queues what it sends. */
export interface Qdisc {
  /** The link's name. */
  dev: string
  index: number
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

  /** What is in use, on every link or one (`RTM_GETQDISC`). */
  async list(filter: { dev?: LinkRef } = {}): Promise<Qdisc[]> {
    const link = filter.dev === undefined ? 0 : checkLink(filter.dev, 'filter.dev')
    const request = writeHeader(new Request(), MESSAGE.get, FLAG.dump, link, 0, 0).end()
    const decoder = (names: Names) => (reader: Reader, message: Message) => decode(reader, message, names)
    const found = await dumpNamed(this.#namespace, request, decoder, 'list qdiscs')
    // The kernel tells of all links, whichever was asked for.
    return found.filter(({ dev, index }) => link === 0 || link === index || link === dev)
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
  async replace(spec: QdiscSpec): Promise<void> {
    const link = checkLink(checkObject(spec, 'spec').dev, 'spec.dev')
    const request = new Request()
    writeHeader(request, MESSAGE.new, FLAG.create | FLAG.replace | FLAG.ack, link, HANDLE, ROOT)
    request.attributeText(TCA.kind, checkKind(spec.kind))
    writeOptions(request, spec)
    request.end()
    if (spec.kind === 'htb') writeClass(request, link, spec)
    // htb refuses to change in place what another one made: it goes first, if there is one.
    const words = `put ${spec.kind} on ${nameLink(spec.dev)}`
    let { refusals } = await exchange(this.#namespace, request)
    if (refusals[0]?.code === 'EINVAL' || refusals[0]?.code === 'EEXIST' || refusals[0]?.code === 'EOPNOTSUPP') {
      const again = writeHeader(new Request(), MESSAGE.delete, FLAG.ack, link, 0, ROOT).end()
      const removed = await exchange(this.#namespace, again)
      if (removed.refusals.length === 0) refusals = (await exchange(this.#namespace, request)).refusals
    }
    const refusal = refusals[0]
    if (refusal === undefined) return
    const module = `sch_${spec.kind}`
    const lacking = refusal.code === 'ENOENT' && refusal.item === 0
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
  async delete(spec: { dev: LinkRef }): Promise<void> {
    const link = checkLink(checkObject(spec, 'spec').dev, 'spec.dev')
    const request = writeHeader(new Request(), MESSAGE.delete, FLAG.ack, link, 0, ROOT).end()
    const { refusals } = await exchange(this.#namespace, request)
    if (refusals[0] !== undefined) throw refused(refusals[0], `take the qdisc off ${nameLink(spec.dev)}`)
  }
}

function checkKind(kind: unknown): string {
  if (typeof kind !== 'string') throw invalidType('spec.kind', 'of type string', kind)
  const known = ['tbf', 'htb', 'netem', 'fq_codel']
  if (!known.includes(kind)) throw invalidValue('spec.kind', kind, `known are ${known.join(', ')}`)
  return kind
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

/** @internal */
export function writeOptions(request: Request, spec: QdiscSpec): void {
  switch (spec.kind) {
    case 'tbf':
      request.nest(TCA.options, () => writeTbf(request, spec), 0)
      break
    case 'htb':
      // struct tc_htb_glob: version 3, the divisor of rates for quanta, the default class.
      request.nest(TCA.options, () => request.attribute(2, 20).u32(3).u32(10).u32(1).u32(0).u32(0), 0)
      break
    case 'netem':
      writeNetem(request, spec)
      break
    default:
      request.nest(TCA.options, () => writeFqCodel(request, spec), 0)
  }
}

type Of<K> = Extract<QdiscSpec, { kind: K }>

function bytesPerSecond(rate: unknown, label: string): number {
  return Math.max(1, Math.floor(checkInteger(rate, label, 8, Number.MAX_SAFE_INTEGER) / 8))
}

function burstOf(burst: number | undefined, rate: number): number {
  if (burst !== undefined) return checkInteger(burst, 'spec.burst', 1, 2 ** 31 - 1)
  return Math.min(2 ** 31 - 1, Math.max(5000, Math.ceil(rate / 100)))
}

/** How long a number of bytes takes, in ticks. */
function ticks(bytes: number, rate: number): number {
  return Math.min(0xffff_ffff, Math.round((bytes / rate) * (1e9 / TICK)))
}

/** `struct tc_ratespec`; a rate beyond 32 bits is told by an attribute of its own. */
function writeRate(request: Request, rate: number): Request {
  return request.u8(0).u8(ETHERNET).u16(0).u16(0).u16(0).u32(Math.min(rate, 0xffff_ffff))
}

function writeTbf(request: Request, spec: Of<'tbf'>): void {
  const rate = bytesPerSecond(spec.rate, 'spec.rate')
  const burst = burstOf(spec.burst, rate)
  const latency = spec.latency === undefined ? 50 : checkInteger(spec.latency, 'spec.latency', 1, 2 ** 31 - 1)
  const limit = Math.min(0xffff_ffff, Math.ceil((rate * latency) / 1000) + burst)
  request.attribute(1, 36)
  writeRate(request, rate)
  request.raw(new Uint8Array(12)).u32(limit).u32(ticks(burst, rate)).u32(0)
  if (rate > 0xffff_ffff) request.attribute(4, 8).u64(BigInt(rate))
  request.attributeU32(6, burst)
}

/** htb's one class, for everything. */
function writeClass(request: Request, link: number | string, spec: Of<'htb'>): void {
  const rate = bytesPerSecond(spec.rate, 'spec.rate')
  const ceil = spec.ceil === undefined ? rate : bytesPerSecond(spec.ceil, 'spec.ceil')
  const burst = burstOf(spec.burst, rate)
  writeHeader(request, MESSAGE.newClass, FLAG.create | FLAG.replace | FLAG.ack, link, HANDLE | 1, HANDLE)
  request.attributeText(TCA.kind, 'htb')
  request.nest(
    TCA.options,
    () => {
      request.attribute(1, 44)
      writeRate(request, rate)
      writeRate(request, ceil)
      const quantum = Math.min(60_000, Math.max(1514, Math.floor(rate / 10)))
      request.u32(ticks(burst, rate)).u32(ticks(burst, ceil)).u32(quantum).u32(0).u32(0)
      if (rate > 0xffff_ffff) request.attribute(6, 8).u64(BigInt(rate))
      if (ceil > 0xffff_ffff) request.attribute(7, 8).u64(BigInt(ceil))
    },
    0
  )
  request.end()
}

/** A share of packets, as the kernel counts it: all 32 bits set are 100 %. */
function share(value: unknown, label: string): number {
  if (value === undefined) return 0
  if (typeof value !== 'number') throw invalidType(label, 'of type number', value)
  if (!(value >= 0 && value <= 100)) throw invalidValue(label, value, 'it must be from 0 to 100')
  return Math.round((value / 100) * 0xffff_ffff)
}

function milliseconds(value: unknown, label: string): number {
  if (value === undefined) return 0
  if (typeof value !== 'number') throw invalidType(label, 'of type number', value)
  if (!(value >= 0 && value <= 1e9)) throw invalidValue(label, value, 'it must be from 0 to 1e9 milliseconds')
  return Math.round(value * 1e6)
}

/** `struct tc_netem_qopt`, with attributes behind it. */
function writeNetem(request: Request, spec: Of<'netem'>): void {
  const delay = milliseconds(spec.delay, 'spec.delay')
  const jitter = milliseconds(spec.jitter, 'spec.jitter')
  const [loss, duplicate] = [share(spec.loss, 'spec.loss'), share(spec.duplicate, 'spec.duplicate')]
  const [corrupt, reorder] = [share(spec.corrupt, 'spec.corrupt'), share(spec.reorder, 'spec.reorder')]
  const limit = spec.limit === undefined ? 1000 : checkInteger(spec.limit, 'spec.limit', 1, 0xffff_ffff)
  const rate = spec.rate === undefined ? undefined : bytesPerSecond(spec.rate, 'spec.rate')
  const tick = (nanoseconds: number) => Math.min(0xffff_ffff, Math.round(nanoseconds / TICK))
  request.nest(
    TCA.options,
    () => {
      request
        .u32(tick(delay))
        .u32(limit)
        .u32(loss)
        .u32(reorder > 0 ? 1 : 0)
        .u32(duplicate)
        .u32(tick(jitter))
      if (reorder > 0) request.attribute(3, 8).u32(reorder).u32(0)
      if (corrupt > 0) request.attribute(4, 8).u32(corrupt).u32(0)
      if (rate !== undefined) request.attribute(6, 16).u32(Math.min(rate, 0xffff_ffff)).u32(0).u32(0).u32(0)
      if (rate !== undefined && rate > 0xffff_ffff) request.attribute(8, 8).u64(BigInt(rate))
      request.attribute(10, 8).u64(BigInt(delay)).attribute(11, 8).u64(BigInt(jitter))
    },
    0
  )
}

function writeFqCodel(request: Request, spec: Of<'fq_codel'>): void {
  const number = (type: number, name: 'target' | 'interval' | 'limit' | 'flows' | 'quantum', factor = 1) => {
    const value = spec[name]
    if (value !== undefined) request.attributeU32(type, checkInteger(value, `spec.${name}`, 0, 2 ** 31 - 1) * factor)
  }
  number(1, 'target', 1000)
  number(2, 'limit')
  number(3, 'interval', 1000)
  if (spec.ecn !== undefined) request.attributeU32(4, Number(spec.ecn))
  number(5, 'flows')
  number(6, 'quantum')
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
