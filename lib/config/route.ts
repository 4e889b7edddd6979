/** Routes as the kernel tells them. */

import { AF, formatIp, formatPrefix, sizeOf } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { wordOf } from './check.ts'
import type { Names } from './names.ts'
import type { Nexthop, RouteSpec } from './route-spec.ts'
import { PROTOCOLS, ROUTE_TYPES, SCOPES } from './words.ts'

/** `NLA_TYPE_MASK`. */
const TYPE = 0x3fff

/** `RTM_…` of routes. */
export enum ROUTE_MESSAGE {
  new = 24,
  delete = 25,
  get = 26
}

/** `RTA_…`. */
export enum RTA {
  to = 1,
  from = 2,
  iif = 3,
  dev = 4,
  via = 5,
  metric = 6,
  src = 7,
  metrics = 8,
  nexthops = 9,
  table = 15,
  mark = 16,
  via6 = 18,
  preference = 20
}

/** `RTAX_MTU`. */
export const RTAX_MTU = 2

/** `RTNH_F_…`. */
export const NEXTHOP_FLAGS = { dead: 1, pervasive: 2, onlink: 4, offload: 8, linkdown: 16 } as const

/** A route that there is. */
export interface Route extends RouteSpec {
  /** The link's name. */
  dev?: string
  /** The link's index. */
  index?: number
  /** 254 is `main`, 255 `local`. */
  table: number
  /** `unicast`, `blackhole`, …, or a number. */
  type: string
  family: 4 | 6
  /** Who added it: `kernel`, `boot`, `static`, …, or a number. */
  protocol: string
  /** `global`, `link`, `host`, …, or a number. */
  scope: string
  /** `dead`, `linkdown`, `offload`, …. */
  flags: string[]
}

// Looked up by number for every route of a list: a loop over the words would cost more than all the rest.
const TYPE_WORDS = Array.from({ length: 256 }, (_, number) => wordOf(ROUTE_TYPES, number))
const PROTOCOL_WORDS = Array.from({ length: 256 }, (_, number) => wordOf(PROTOCOLS, number))
const SCOPE_WORDS = Array.from({ length: 256 }, (_, number) => wordOf(SCOPES, number))
const NO_FLAGS: string[] = []
Object.freeze(NO_FLAGS)

/** Reads a route. Written for lists of ten thousands: what most routes have is gathered first, and the object made once. */
export function decodeRoute(reader: Reader, message: Message, names: Names): Route | undefined {
  if (message.type !== ROUTE_MESSAGE.new && message.type !== ROUTE_MESSAGE.delete) return undefined
  const { start, end } = message
  const { bytes } = reader
  const family = bytes[start]
  if (family !== AF.inet && family !== AF.inet6) return undefined
  const size = sizeOf(family)
  const prefix = reader.u8(start + 1)
  let to = 'default'
  let via: string | undefined
  let index = 0
  let table = reader.u8(start + 4)
  let rare = false
  for (let at = start + 12; at + 4 <= end; ) {
    const length = reader.u16(at)
    if (length < 4 || at + length > end) break
    const value = at + 4
    switch (reader.u16(at + 2) & TYPE) {
      case RTA.to:
        if (length === size + 4) to = formatPrefix(bytes, value, size, prefix)
        break
      case RTA.via:
        if (length === size + 4) via = gatewayOf(bytes, value, size)
        break
      case RTA.dev:
        index = reader.u32(value)
        break
      case RTA.table:
        table = reader.u32(value)
        break
      default:
        rare = true
    }
    at += (length + 3) & ~3
  }
  const flags = reader.u32(start + 8)
  const type = TYPE_WORDS[reader.u8(start + 7)] as string
  const protocol = PROTOCOL_WORDS[reader.u8(start + 5)] as string
  const scope = SCOPE_WORDS[reader.u8(start + 6)] as string
  const words = flags === 0 ? NO_FLAGS : flagWords(flags)
  const version = size === 4 ? 4 : 6
  const dev = names.get(index) ?? String(index)
  let route: Route
  if (index === 0) route = { to, table, type, family: version, protocol, scope, flags: words }
  else if (via === undefined) route = { to, dev, index, table, type, family: version, protocol, scope, flags: words }
  else route = { to, via, dev, index, table, type, family: version, protocol, scope, flags: words }
  if (index === 0 && via !== undefined) route.via = via
  if (flags & NEXTHOP_FLAGS.onlink) route.onlink = true
  if (rare) decodeRare(route, reader, start + 12, end, size, names)
  return route
}

let lastVia = ''
let lastViaNumber = -1

/** Routes that follow each other mostly have the same gateway. */
function gatewayOf(bytes: Uint8Array, start: number, size: number): string {
  if (size !== 4) return formatIp(bytes, start, size)
  // The fields of an attribute that was found to be four bytes long.
  const number =
    ((bytes[start] as number) << 24) |
    ((bytes[start + 1] as number) << 16) |
    ((bytes[start + 2] as number) << 8) |
    (bytes[start + 3] as number)
  if (number >>> 0 !== lastViaNumber) {
    lastViaNumber = number >>> 0
    lastVia = formatIp(bytes, start, 4)
  }
  return lastVia
}

/** What few routes have. */
function decodeRare(route: Route, reader: Reader, from: number, to: number, size: number, names: Names): void {
  for (const { type, start, end } of reader.attributes(from, to)) {
    switch (type) {
      case RTA.via6:
        if (end - start === 18) route.via = formatIp(reader.bytes, start + 2, 16)
        break
      case RTA.src:
        if (end - start === size) route.src = formatIp(reader.bytes, start, size)
        break
      case RTA.metric:
        route.metric = reader.u32(start)
        break
      case RTA.metrics:
        for (const metric of reader.attributes(start, end)) {
          if (metric.type === RTAX_MTU) route.mtu = reader.u32(metric.start)
        }
        break
      case RTA.nexthops:
        route.nexthops = decodeNexthops(reader, start, end, size, names)
    }
  }
}

function decodeNexthops(reader: Reader, start: number, end: number, size: number, names: Names): Nexthop[] {
  const hops: Nexthop[] = []
  for (let at = start; at + 8 <= end; ) {
    const length = reader.u16(at)
    if (length < 8 || at + length > end) break
    const index = reader.u32(at + 4)
    const hop: Nexthop = { weight: reader.u8(at + 3) + 1 }
    if (index !== 0) hop.dev = names.get(index) ?? String(index)
    if (reader.u8(at + 2) & NEXTHOP_FLAGS.onlink) hop.onlink = true
    for (const { type, start: from, end: to } of reader.attributes(at + 8, at + length)) {
      if (type === RTA.via && to - from === size) hop.via = formatIp(reader.bytes, from, size)
      if (type === RTA.via6 && to - from === 18) hop.via = formatIp(reader.bytes, from + 2, 16)
    }
    hops.push(hop)
    at += (length + 3) & ~3
  }
  return hops
}

function flagWords(flags: number): string[] {
  return Object.entries(NEXTHOP_FLAGS).flatMap(([word, bit]) => (flags & bit ? [word] : []))
}
