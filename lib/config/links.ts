/** `ip link`. */

import type { Namespace } from '../namespace.ts'
import { refused } from '../wire/errors.ts'
import { FLAG, Request } from '../wire/request.ts'
import { checkFlag, checkLink, checkNamespace, checkU32, type LinkRef, nameLink } from './check.ts'
import { noLink } from './errors.ts'
import { decodeLink, IFLA, LINK_MESSAGE, type Link } from './link.ts'
import { type LinkChanges, writeChanges } from './link-changes.ts'
import { moduleRemedy } from './link-kinds.ts'
import { type LinkSpec, writeGet } from './link-spec.ts'
import { type Borrowed, borrowLink, type Moved, moveLink } from './move.ts'
import { isTun, writeLink } from './new-link.ts'
import { ask, later, now, type Operation } from './operation.ts'
import { change, decodeFirst, dump, exchange, exchangeInOrder, release } from './transport.ts'

/** Which links to list. */
export interface LinkFilter {
  /** `veth`, `bridge`, …. */
  kind?: string | undefined
  /** Those that are part of this one. */
  master?: LinkRef | undefined
  /** Those that are set up, or those that are not. */
  up?: boolean | undefined
}

/** The links of one namespace. Any call throws `EPERM` without `CAP_NET_ADMIN` there, where it changes something. */
export class Links {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * All links, or those that a filter lets through (`RTM_GETLINK`).
   *
   * @throws `ERR_NETNS_INTERRUPTED`, with `partial`, if links came and went all the time
   */
  list(filter: LinkFilter = {}): Promise<Link[]> {
    return later(this.#list(filter))
  }

  /** As {@link list}, on this thread: for some tens of microseconds, and ten milliseconds for a thousand. */
  listSync(filter: LinkFilter = {}): Link[] {
    return now(this.#list(filter))
  }

  *#list(filter: LinkFilter): Operation<Link[]> {
    const request = Request.take().begin(LINK_MESSAGE.get, FLAG.dump)
    request.linkHeader(0)
    if (filter.master !== undefined) request.attributeLink(IFLA.master, checkLink(filter.master, 'filter.master'))
    if (filter.up !== undefined) checkFlag(filter.up, 'filter.up')
    const links = yield* dump(this.#namespace, request.end(), decodeLink, 'list links')
    return links.filter(
      (link) =>
        (filter.kind === undefined || link.kind === filter.kind) && (filter.up === undefined || link.up === filter.up)
    )
  }

  /** One link, or `undefined` if it is not there. */
  get(link: LinkRef): Promise<Link | undefined> {
    return later(this.#get(link))
  }

  /** As {@link get}, on this thread: for some tens of microseconds. */
  getSync(link: LinkRef): Link | undefined {
    return now(this.#get(link))
  }

  *#get(link: LinkRef): Operation<Link | undefined> {
    const request = writeGet(Request.take(), checkLink(link, 'link'))
    const { reader, refusals } = yield* exchange(this.#namespace, request)
    const refusal = refusals[0]
    if (refusal !== undefined && refusal.code !== 'ENODEV') throw refused(refusal, `get link ${nameLink(link)}`)
    return decodeFirst(reader, decodeLink)
  }

  /**
   * Makes a link, in this namespace and nowhere else; a veth's other end, in one step, in the namespace of its own.
   *
   * @example
   * ```ts
   * await red.links.add({ kind: 'veth', name: 'eth0', up: true, peer: { name: 'eth0', netns: blue, up: true } })
   * ```
   * @throws `EEXIST` if the name is taken, `EOPNOTSUPP` if the kernel lacks the kind, and whatever else the kernel finds
   * wrong. Nothing is left behind then.
   */
  add(spec: LinkSpec): Promise<Link> {
    return later(this.#add(spec))
  }

  /**
   * As {@link add}, on this thread: for about half a millisecond, or longer if the kernel loads a module for it.
   *
   * @example
   * ```ts
   * red.links.addSync({ kind: 'bridge', name: 'br0', up: true })
   * ```
   */
  addSync(spec: LinkSpec): Link {
    return now(this.#add(spec))
  }

  *#add(spec: LinkSpec): Operation<Link> {
    const request = writeLink(this.#namespace, spec)
    const tun = isTun(spec)
    if (tun) yield* this.#createTun(spec)
    const { sent, reader, refusals } = yield* exchangeInOrder(request)
    const refusal = refusals[0]
    if (refusal !== undefined) {
      const made = tun || (sent ?? 0) > 1
      if (made) yield* this.#delete(spec.name)
      // The same errno also stands for a single option that the kernel was built without.
      const unknown = !made && refusal.code === 'EOPNOTSUPP' && /unknown device type/i.test(refusal.text ?? '')
      const remedy = unknown ? moduleRemedy(spec.kind) : undefined
      throw refused(refusal, `add ${spec.kind} link ${spec.name}`, remedy)
    }
    const link = decodeFirst(reader, decodeLink)
    if (link === undefined) throw noLink(spec.name, `add ${spec.kind} link ${spec.name}`)
    return link
  }

  /**
   * Changes a link (`RTM_NEWLINK`); all in one request, though the kernel may have done part of it when it refuses.
   *
   * @throws `ENODEV`, and whatever else the kernel finds wrong
   */
  set(link: LinkRef, changes: LinkChanges): Promise<Link> {
    return later(this.#set(link, changes))
  }

  /** As {@link set}, on this thread: for some tens of microseconds, or some milliseconds where a device has to be set up. */
  setSync(link: LinkRef, changes: LinkChanges): Link {
    return now(this.#set(link, changes))
  }

  *#set(link: LinkRef, changes: LinkChanges): Operation<Link> {
    const target = checkLink(link, 'link')
    const words = `set link ${nameLink(link)}`
    const kind = changes?.info === undefined ? undefined : (yield* this.#need(link, words)).kind
    const request = Request.take()
    writeChanges(request, target, changes, kind)
    writeGet(request, changes.name ?? target)
    const link_ = decodeFirst(yield* change(this.#namespace, request, words), decodeLink)
    if (link_ === undefined) throw noLink(nameLink(link), words)
    return link_
  }

  /**
   * Deletes a link (`RTM_DELLINK`). A veth's other end goes with it; both are gone when this returns.
   *
   * @throws `ENODEV`; `EOPNOTSUPP` for `lo` and physical cards
   */
  delete(link: LinkRef): Promise<void> {
    return later(this.#delete(link))
  }

  /** As {@link delete}, on this thread: the kernel takes some tens of milliseconds for it. */
  deleteSync(link: LinkRef): void {
    now(this.#delete(link))
  }

  *#delete(link: LinkRef): Operation<void> {
    const request = Request.take().begin(LINK_MESSAGE.delete, FLAG.ack)
    request.linkHeader(checkLink(link, 'link')).end()
    yield* change(this.#namespace, request, `delete link ${nameLink(link)}`)
  }

  /**
   * Moves a link to another namespace, under another name if wanted, also if its name is taken there meanwhile: then
   * the kernel refuses and nothing moved. The kernel sets a link down and drops its addresses and routes when it moves.
   *
   * @returns the link as it is there, and `restore`, which brings it back as it was: name, up, master, addresses, routes
   * @throws `EEXIST` if the name is taken there, `ENODEV`, `EINVAL` for links that cannot move, as `lo`
   */
  async move(link: LinkRef, to: Namespace, options: { name?: string | undefined } = {}): Promise<Moved> {
    return moveLink(this.#namespace, link, checkNamespace(to, 'to'), linksOf, options)
  }

  /**
   * Moves a link here from another namespace, and back where it was when disposed: as {@link move}, then `restore`. If
   * its name has been taken there meanwhile, it comes back under a free one.
   *
   * @example
   * ```ts
   * await using card = await red.links.borrow('eth1', NetNs.home())
   * ```
   * @throws as {@link move}
   */
  async borrow(link: LinkRef, from: Namespace, options: { name?: string | undefined } = {}): Promise<Borrowed> {
    return borrowLink(checkNamespace(from, 'from'), link, this.#namespace, linksOf, options)
  }

  *#need(link: LinkRef, words: string): Operation<Link> {
    const found = yield* this.#get(link)
    if (found === undefined) throw noLink(nameLink(link), words)
    return found
  }

  /** No message makes these. */
  *#createTun(spec: LinkSpec): Operation<void> {
    const { owner, group, multiQueue } = spec as { owner?: unknown; group?: unknown; multiQueue?: unknown }
    const id = (value: unknown, label: string) => (value === undefined ? null : checkU32(value, label))
    const multi = multiQueue !== undefined && checkFlag(multiQueue, 'spec.multiQueue')
    const [uid, gid] = [id(owner, 'spec.owner'), id(group, 'spec.group')]
    const tap = spec.kind === 'tap'
    yield* release(this.#namespace)
    yield* ask(
      (native) => native.createTunSync(this.#namespace.slot, spec.name, tap, multi, uid, gid),
      (native) => native.createTun(this.#namespace.slot, spec.name, tap, multi, uid, gid)
    )
  }
}

function linksOf(namespace: Namespace): Links {
  return new Links(namespace)
}
