/** `ip neighbour` and `bridge fdb`. */
import type { Namespace } from '../namespace.ts'
import { AF, familyOf, formatIp, formatMac, parse, parsed, parseMac } from '../wire/address.ts'
import { Attributes, type Message, type Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { type BulkResult, sendAll } from './bulk.ts'
import {
  checkFamily,
  checkFlag,
  checkInteger,
  checkLink,
  checkObject,
  checkWord,
  isIterable,
  type LinkRef,
  nameLink,
  wordOf
} from './check.ts'
import { dumpNamed, type LinkNames } from './names.ts'
import { later, now, type Operation } from './operation.ts'
import { change } from './transport.ts'
import { NEIGHBOUR_STATES } from './words.ts'

/** `RTM_…` of neighbours. */
export const NEIGHBOUR_MESSAGE = { new: 28, delete: 29, get: 30 } as const
/** `NDA_…`. */
const NDA = { to: 1, mac: 2, vlan: 5, port: 6, master: 9 } as const
/** `NTF_…`. */
const NTF = { self: 2, master: 4, proxy: 8, router: 0x80 } as const

/** A neighbour to add: which hardware address an IP address has, or behind which link a hardware address is. */
export interface NeighbourSpec {
  dev: LinkRef
  /** Its IP address; none for an entry of a bridge's or vxlan's forwarding database. */
  to?: string
  mac?: string
  /** `permanent` (default), `reachable`, `stale`, `noarp`, …. */
  state?: string
  /** Answer for this address on the link, without having it. */
  proxy?: boolean
  router?: boolean
  /** Of a forwarding database: the bridge's that the link is part of, rather than the link's own. */
  master?: boolean
  /** Of a bridge's forwarding database. */
  vlan?: number
  /** Of a vxlan's forwarding database: the tunnel's other end. */
  via?: string
}

/** A neighbour that there is. */
export interface Neighbour extends NeighbourSpec {
  /** The link's name. */
  dev: string
  /** The link's index. */
  index: number
  /** None for an entry of a forwarding database. */
  family: 4 | 6 | undefined
  state: string
}

/** Which neighbours to list. */
export interface NeighbourFilter {
  dev?: LinkRef
  family?: 4 | 6
  /** Those answered for, instead of those known. */
  proxy?: boolean
  /** The forwarding databases of bridges and vxlans, instead. */
  fdb?: boolean
}

/** The neighbours of one namespace. Changes throw `EPERM` without `CAP_NET_ADMIN` there. */
export class Neighbours {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * All neighbours, or those that a filter lets through (`RTM_GETNEIGH`).
   *
   * @throws `ERR_NETNS_INTERRUPTED`, with `partial`
   */
  list(filter: NeighbourFilter = {}): Promise<Neighbour[]> {
    return later(this.#list(filter, () => true))
  }

  /** As {@link list}, on this thread: for some tens of microseconds, and a millisecond for a thousand. */
  listSync(filter: NeighbourFilter = {}): Neighbour[] {
    return now(this.#list(filter, () => true))
  }

  *#list(filter: NeighbourFilter, wanted: (neighbour: Neighbour) => boolean): Operation<Neighbour[]> {
    const family = checkFamily(filter.family, 'filter.family')
    const link = filter.dev === undefined ? undefined : checkLink(filter.dev, 'filter.dev')
    const number = filter.fdb ? AF.bridge : family === undefined ? AF.unspec : family === 4 ? AF.inet : AF.inet6
    const write = (request: Request) => {
      request.begin(NEIGHBOUR_MESSAGE.get, FLAG.dump)
      writeHeader(request, number, 0, 0, filter.proxy ? NTF.proxy : 0).end()
    }
    const decoder = (names: LinkNames) => {
      const index = link === undefined ? undefined : names.indexOf(link, 'list neighbours')
      return (reader: Reader, message: Message) => {
        const found = decodeNeighbour(reader, message, names)
        if (found === undefined || (index !== undefined && found.index !== index)) return undefined
        return wanted(found) ? found : undefined
      }
    }
    return yield* dumpNamed(this.#namespace, write, decoder, 'list neighbours')
  }

  /**
   * Adds a neighbour, or many (`RTM_NEWNEIGH`).
   *
   * @throws for one: `EEXIST`, `ENODEV`; `EOPNOTSUPP` for a forwarding database that the link does not have
   */
  add(neighbour: NeighbourSpec): Promise<void>
  add(neighbours: Iterable<NeighbourSpec>): Promise<BulkResult>
  add(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): Promise<unknown> {
    return later(this.#send('add', neighbours, FLAG.create | FLAG.excl))
  }

  /** As {@link add}, on this thread: for some ten microseconds each. */
  addSync(neighbour: NeighbourSpec): void
  addSync(neighbours: Iterable<NeighbourSpec>): BulkResult
  addSync(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): unknown {
    return now(this.#send('add', neighbours, FLAG.create | FLAG.excl))
  }

  /** As {@link add}, in place of what there is. */
  replace(neighbour: NeighbourSpec): Promise<void>
  replace(neighbours: Iterable<NeighbourSpec>): Promise<BulkResult>
  replace(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): Promise<unknown> {
    return later(this.#send('replace', neighbours, FLAG.create | FLAG.replace))
  }

  /** As {@link replace}, on this thread: for some ten microseconds each. */
  replaceSync(neighbour: NeighbourSpec): void
  replaceSync(neighbours: Iterable<NeighbourSpec>): BulkResult
  replaceSync(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): unknown {
    return now(this.#send('replace', neighbours, FLAG.create | FLAG.replace))
  }

  /**
   * Deletes a neighbour, or many (`RTM_DELNEIGH`).
   *
   * @throws for one: `ENOENT`
   */
  delete(neighbour: NeighbourSpec): Promise<void>
  delete(neighbours: Iterable<NeighbourSpec>): Promise<BulkResult>
  delete(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): Promise<unknown> {
    return later(this.#send('delete', neighbours, 0, NEIGHBOUR_MESSAGE.delete))
  }

  /** As {@link delete}, on this thread: for some ten microseconds each. */
  deleteSync(neighbour: NeighbourSpec): void
  deleteSync(neighbours: Iterable<NeighbourSpec>): BulkResult
  deleteSync(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): unknown {
    return now(this.#send('delete', neighbours, 0, NEIGHBOUR_MESSAGE.delete))
  }

  /**
   * Deletes all neighbours of a link, or that a filter lets through, except the kernel's own (`noarp`).
   *
   * @returns how many were deleted
   */
  flush(filter: NeighbourFilter): Promise<number> {
    return later(this.#flush(filter))
  }

  /** As {@link flush}, on this thread: for some tens of microseconds, and about ten more for each. */
  flushSync(filter: NeighbourFilter): number {
    return now(this.#flush(filter))
  }

  *#flush(filter: NeighbourFilter): Operation<number> {
    const found = yield* this.#list(checkObject(filter, 'filter'), ({ state }) => state !== 'noarp')
    const { done, failed } = yield* this.#sendAll('delete', found, 0, NEIGHBOUR_MESSAGE.delete)
    const other = failed.find(({ error }) => error.code !== 'ENOENT')
    if (other !== undefined) throw other.error
    return done
  }

  *#send(
    verb: string,
    items: NeighbourSpec | Iterable<NeighbourSpec>,
    flags: number,
    type: number = NEIGHBOUR_MESSAGE.new
  ): Operation<undefined | BulkResult> {
    if (isIterable(items)) return yield* this.#sendAll(verb, items, flags, type)
    const request = Request.take()
    writeNeighbour(request, items, 'neighbour', flags | FLAG.ack, type)
    yield* change(this.#namespace, request, describe(verb, items))
    return undefined
  }

  #sendAll(verb: string, items: Iterable<NeighbourSpec>, flags: number, type: number): Operation<BulkResult> {
    return sendAll(this.#namespace, items, {
      name: 'neighbours',
      write: (request, item, label) => writeNeighbour(request, item, label, flags, type),
      describe: (item) => describe(verb, item)
    })
  }
}

function describe(verb: string, { to, mac, dev }: NeighbourSpec): string {
  return `${verb} neighbour ${to ?? mac} dev ${nameLink(dev)}`
}

/** `struct ndmsg`. */
function writeHeader(request: Request, family: number, link: number | string, state: number, flags: number): Request {
  return request.u8(family).u8(0).u16(0).link(link).u16(state).u8(flags).u8(0)
}

/** `RTM_NEWNEIGH` or `RTM_DELNEIGH`. */
export function writeNeighbour(
  request: Request,
  spec: NeighbourSpec,
  label: string,
  flags: number,
  type: number
): void {
  checkObject(spec, label)
  const link = checkLink(spec.dev, `${label}.dev`)
  const word = spec.state ?? (spec.proxy ? 'none' : 'permanent')
  const state = checkWord(word, `${label}.state`, NEIGHBOUR_STATES, 0xffff)
  const mac = spec.mac === undefined ? undefined : parseMac(spec.mac, `${label}.mac`)
  let own = 0
  if (spec.proxy !== undefined && checkFlag(spec.proxy, `${label}.proxy`)) own |= NTF.proxy
  if (spec.router !== undefined && checkFlag(spec.router, `${label}.router`)) own |= NTF.router
  const fdb = spec.to === undefined
  if (fdb) own |= spec.master !== undefined && checkFlag(spec.master, `${label}.master`) ? NTF.master : NTF.self
  const address = fdb ? spec.via : spec.to
  if (address !== undefined) parse(address, fdb ? `${label}.via` : `${label}.to`, 'none')
  else parseMac(spec.mac, `${label}.mac`)
  request.begin(type, flags)
  writeHeader(request, fdb ? AF.bridge : familyOf(parsed.size), link, state, own)
  if (address !== undefined) request.attributeRaw(NDA.to, parsed.bytes, parsed.size)
  if (mac !== undefined) request.attributeRaw(NDA.mac, mac)
  if (spec.vlan !== undefined) request.attributeU16(NDA.vlan, checkInteger(spec.vlan, `${label}.vlan`, 1, 4094))
  request.end()
}

const walk = new Attributes()

/** Reads a neighbour; `names` are those of the links by their index. */
export function decodeNeighbour(
  reader: Reader,
  message: Message,
  names: ReadonlyMap<number, string>
): Neighbour | undefined {
  if (message.type !== NEIGHBOUR_MESSAGE.new && message.type !== NEIGHBOUR_MESSAGE.delete) return undefined
  const { start } = message
  const family = reader.u8(start)
  if (family !== AF.inet && family !== AF.inet6 && family !== AF.bridge) return undefined
  const index = reader.u32(start + 4)
  const flags = reader.u8(start + 10)
  const found: Neighbour = {
    dev: names.get(index) ?? String(index),
    index,
    family: family === AF.bridge ? undefined : family === AF.inet ? 4 : 6,
    state: wordOf(NEIGHBOUR_STATES, reader.u16(start + 8))
  }
  if (flags & NTF.proxy) found.proxy = true
  if (flags & NTF.router) found.router = true
  walk.of(reader, start + 12, message.end)
  while (walk.next()) {
    const { type, start: at, end } = walk
    if (type === NDA.to && (end - at === 4 || end - at === 16)) {
      const address = formatIp(reader.bytes, at, end - at)
      if (family === AF.bridge) found.via = address
      else found.to = address
    } else if (type === NDA.mac) found.mac = formatMac(reader.bytes, at, end)
    else if (type === NDA.vlan) found.vlan = reader.u16(at)
    else if (type === NDA.master && family === AF.bridge) found.master = true
  }
  return found
}
