/** Which routes are meant, told from their messages: objects for those that are not would only be garbage. */
import { AF, parse, parsed } from '../wire/address.ts'
import { Attributes, type Message, type Reader } from '../wire/reader.ts'
import { checkFamilyNumber, checkLink, checkWord, type LinkRef } from './check.ts'
import type { LinkNames } from './names.ts'
import { ROUTE_MESSAGE, RTA } from './route.ts'
import { TABLES } from './words.ts'

/** `RTM_F_CLONED`: entries of IPv6's route cache, which are no routes. */
const CLONED = 0x200

/** Which routes to list. */
export interface RouteFilter {
  /** By default `main`. `all`, `local`, `default` or a number. */
  table?: number | string | undefined
  /** Default: both. */
  family?: 4 | 6 | undefined
  /** Those along this link. Default: along all. */
  dev?: LinkRef | undefined
  /** Exactly this destination. */
  to?: string | undefined
}

/** A destination; none for `default`. */
interface Destination {
  prefix: number
  bytes: Uint8Array | undefined
}

/** A filter whose arguments have been checked. */
export class RouteMatch {
  /** `AF_…`, which the kernel looks at. */
  readonly family: number
  readonly #table: number
  readonly #link: number | string | undefined
  readonly #to: Destination | undefined
  readonly #walk = new Attributes()
  #index = 0

  constructor({ table, family, dev, to }: RouteFilter) {
    this.family = checkFamilyNumber(family, 'filter.family')
    this.#table = tableOf(table)
    this.#link = dev === undefined ? undefined : checkLink(dev, 'filter.dev')
    this.#to = to === undefined ? undefined : destinationOf(to)
  }

  /**
   * Has the link looked up, once the names are known.
   *
   * @param words - what is attempted, for the error
   * @throws `ENODEV` if there is none
   */
  resolve(names: LinkNames, words: string): this {
    if (this.#link !== undefined) this.#index = names.indexOf(this.#link, words)
    return this
  }

  /** Whether a message tells of a route that is meant. */
  fits(reader: Reader, { type, start, end }: Message): boolean {
    if (type !== ROUTE_MESSAGE.new && type !== ROUTE_MESSAGE.delete) return false
    const family = reader.u8(start)
    if ((family !== AF.inet && family !== AF.inet6) || reader.u32(start + 8) & CLONED) return false
    let table = reader.u8(start + 4)
    let to = -1
    let uses = this.#index === 0
    const walk = this.#walk.of(reader, start + 12, end)
    while (walk.next()) {
      if (walk.type === RTA.table) table = reader.u32(walk.start)
      else if (walk.type === RTA.to) to = walk.start
      else if (uses) continue
      else if (walk.type === RTA.dev) uses = reader.u32(walk.start) === this.#index
      else if (walk.type === RTA.nexthops) uses = this.#hopsBy(reader, walk.start, walk.end)
    }
    if (!uses || (this.#table !== 0 && table !== this.#table)) return false
    return this.#to === undefined || goesTo(this.#to, reader, reader.u8(start + 1), to, family === AF.inet ? 4 : 16)
  }

  #hopsBy(reader: Reader, start: number, end: number): boolean {
    for (let at = start; at + 8 <= end; ) {
      const length = reader.u16(at)
      if (length < 8) return false
      if (reader.u32(at + 4) === this.#index) return true
      at += (length + 3) & ~3
    }
    return false
  }
}

function goesTo({ prefix, bytes }: Destination, reader: Reader, length: number, at: number, size: number): boolean {
  if (bytes === undefined || at < 0) return bytes === undefined && at < 0
  if (bytes.length !== size || prefix !== length) return false
  return bytes.every((byte, i) => reader.u8(at + i) === byte)
}

function tableOf(table: number | string | undefined): number {
  if (table === 'all') return 0
  return table === undefined ? TABLES.main : checkWord(table, 'filter.table', TABLES, 0xffff_ffff)
}

function destinationOf(to: string): Destination {
  if (to !== 'default') parse(to, 'filter.to', 'optional')
  if (to === 'default' || parsed.prefix === 0) return { prefix: 0, bytes: undefined }
  return { prefix: parsed.prefix, bytes: parsed.bytes.slice(0, parsed.size) }
}
