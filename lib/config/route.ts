/** Routes as they are asked for, and as the kernel tells them. */
import { invalidType, invalidValue } from '../errors.ts'
import {
  checkFlag,
  checkInteger,
  checkLink,
  checkObject,
  checkU32,
  checkWord,
  type LinkRef,
  nameLink,
  wordOf
} from './check.ts'
import { AF, familyOf, formatIp, hasHostBits, parse, parsed, sizeOf } from './wire/address.ts'
import type { Message, Reader } from './wire/reader.ts'
import type { Request } from './wire/request.ts'
import { PROTOCOLS, ROUTE_TYPES, SCOPES, TABLES } from './words.ts'

/** `RTM_…` of routes. */
export const ROUTE_MESSAGE = { new: 24, delete: 25, get: 26 } as const

/** `RTA_…`. */
export const RTA = {
  to: 1,
  from: 2,
  iif: 3,
  dev: 4,
  via: 5,
  metric: 6,
  src: 7,
  metrics: 8,
  nexthops: 9,
  table: 15,
  mark: 16,
  via6: 18,
  preference: 20
} as const

/** `RTAX_MTU`. */
const MTU = 2
/** `RTNH_F_…`. */
const ONLINK = 4
const NEXTHOP_FLAGS: Readonly<Record<string, number>> = {
  dead: 1,
  pervasive: 2,
  onlink: ONLINK,
  offload: 8,
  linkdown: 16
}

/** One of several ways a route can go. */
export interface Nexthop {
  via?: string
  dev?: LinkRef
  /** 1 (default) to 256. */
  weight?: number
  onlink?: boolean
}

/** A route to add, replace or delete. */
export interface RouteSpec {
  /** `10.0.0.0/8`, an address alone for a host, or `default`. */
  to: string
  /** The gateway. */
  via?: string
  dev?: LinkRef
  /** The address that connections along it come from. */
  src?: string
  /** Lower is preferred. */
  metric?: number
  /** `main` (default), `local`, `default` or a number. */
  table?: number | string
  /** `unicast` (default), `blackhole`, `unreachable`, `prohibit`, `throw`, `local`, …. */
  type?: string
  /** By default what the kernel takes to be right: `link` without a gateway, `global` with one. */
  scope?: string
  /** `static` by default, so that it outlives a routing daemon's clean-up. */
  protocol?: string
  /** The gateway is reachable over the link although no address says so. */
  onlink?: boolean
  mtu?: number
  /** Several ways at once (multipath). */
  nexthops?: Nexthop[]
  /** Needed only for `default` without an address that tells. */
  family?: 4 | 6
}

/** A route that there is. */
export interface Route extends RouteSpec {
  /** The link's name. */
  dev?: string
  /** The link's index. */
  index?: number
  table: number
  type: string
  family: 4 | 6
  protocol: string
  scope: string
  /** `dead`, `linkdown`, `offload`, …. */
  flags: string[]
}

const gateway = new Uint8Array(16)
const destination = new Uint8Array(16)

/** `RTM_NEWROUTE` or `RTM_DELROUTE`. */
export function writeRoute(
  request: Request,
  spec: RouteSpec,
  label: string,
  flags: number,
  type: number = ROUTE_MESSAGE.new
): void {
  checkObject(spec, label)
  const everywhere = spec.to === 'default'
  let size = 0
  let prefix = 0
  if (!everywhere) {
    parse(spec.to, `${label}.to`, 'optional')
    if (hasHostBits()) throw invalidValue(`${label}.to`, spec.to, 'bits are set behind the prefix')
    size = parsed.size
    prefix = parsed.prefix
    destination.set(parsed.bytes)
  }
  let via = 0
  if (spec.via !== undefined) {
    parse(spec.via, `${label}.via`, 'none')
    via = parsed.size
    gateway.set(parsed.bytes)
  }
  size ||= sizeFor(spec, via, label)
  // RFC 5549: an IPv4 route may go by an IPv6 gateway, not the other way round.
  if (via === 4 && size === 16) throw invalidValue(`${label}.via`, spec.via, 'it is of another family than the route')
  const kind = spec.type === undefined ? ROUTE_TYPES.unicast : checkWord(spec.type, `${label}.type`, ROUTE_TYPES)
  const table = spec.table === undefined ? TABLES.main : checkWord(spec.table, `${label}.table`, TABLES, 0xffff_ffff)
  const link = spec.dev === undefined ? undefined : checkLink(spec.dev, `${label}.dev`)
  const deleting = type === ROUTE_MESSAGE.delete
  const scope = checkScope(spec, label, kind, via, deleting)
  const protocol =
    spec.protocol === undefined ? defaultProtocol(deleting) : checkWord(spec.protocol, `${label}.protocol`, PROTOCOLS)
  const onlink = spec.onlink !== undefined && checkFlag(spec.onlink, `${label}.onlink`) ? ONLINK : 0
  request.begin(type, flags)
  request
    .u8(familyOf(size))
    .u8(prefix)
    .u8(0)
    .u8(0)
    .u8(table < 256 ? table : 0)
    .u8(protocol)
    .u8(scope)
    .u8(deleting && spec.type === undefined ? 0 : kind)
    .u32(onlink)
  if (prefix > 0 || !everywhere) request.attributeRaw(RTA.to, destination, size)
  if (table >= 256) request.attributeU32(RTA.table, table)
  if (via !== 0) writeGateway(request, via, size)
  if (link !== undefined) request.attributeLink(RTA.dev, link)
  if (spec.metric !== undefined) request.attributeU32(RTA.metric, checkU32(spec.metric, `${label}.metric`))
  writeOptions(request, spec, label, size)
  request.end()
}

/** A default route says its family by its gateway, its source, its nexthops, or outright. */
function sizeFor(spec: RouteSpec, via: number, label: string): number {
  if (spec.family !== undefined) {
    if (spec.family !== 4 && spec.family !== 6) throw invalidValue(`${label}.family`, spec.family, 'it must be 4 or 6')
    return spec.family === 4 ? 4 : 16
  }
  if (via !== 0) return via
  const hint = spec.src ?? spec.nexthops?.find((hop) => hop?.via !== undefined)?.via
  return typeof hint === 'string' && hint.includes(':') ? 16 : 4
}

function checkScope(spec: RouteSpec, label: string, kind: number, via: number, deleting: boolean): number {
  if (spec.scope !== undefined) return checkWord(spec.scope, `${label}.scope`, SCOPES)
  if (deleting) return SCOPES.nowhere
  if (kind === ROUTE_TYPES.local || kind === ROUTE_TYPES.nat) return SCOPES.host
  const direct = via === 0 && spec.nexthops === undefined
  return direct && kind <= ROUTE_TYPES.multicast && kind !== 0 ? SCOPES.link : SCOPES.global
}

function defaultProtocol(deleting: boolean): number {
  return deleting ? PROTOCOLS.unspec : PROTOCOLS.static
}

function writeGateway(request: Request, via: number, size: number): void {
  if (via === size) request.attributeRaw(RTA.via, gateway, via)
  else
    request
      .attribute(RTA.via6, via + 2)
      .u16(AF.inet6)
      .raw(gateway, via)
      .pad()
}

function writeOptions(request: Request, spec: RouteSpec, label: string, size: number): void {
  const { src, mtu, nexthops } = spec
  if (src !== undefined) {
    parse(src, `${label}.src`, 'none')
    if (parsed.size !== size) throw invalidValue(`${label}.src`, src, 'it is of another family than the route')
    request.attributeRaw(RTA.src, parsed.bytes, size)
  }
  if (mtu !== undefined) {
    const value = checkInteger(mtu, `${label}.mtu`, 68, 65_535)
    request.nest(RTA.metrics, () => request.attributeU32(MTU, value), 0)
  }
  if (nexthops === undefined) return
  if (!Array.isArray(nexthops)) throw invalidType(`${label}.nexthops`, 'an instance of Array', nexthops)
  if (spec.via !== undefined || spec.dev !== undefined) {
    throw invalidValue(`${label}.nexthops`, nexthops, 'a route has either via and dev, or nexthops')
  }
  request.nest(
    RTA.nexthops,
    () => {
      for (const [i, hop] of nexthops.entries()) writeNexthop(request, hop, `${label}.nexthops[${i}]`, size)
    },
    0
  )
}

/** `struct rtnexthop`, whose length is known only when its gateway is. */
function writeNexthop(request: Request, hop: Nexthop, label: string, size: number): void {
  checkObject(hop, label)
  const weight = hop.weight === undefined ? 1 : checkInteger(hop.weight, `${label}.weight`, 1, 256)
  const flags = hop.onlink !== undefined && checkFlag(hop.onlink, `${label}.onlink`) ? ONLINK : 0
  let via = 0
  if (hop.via !== undefined) {
    parse(hop.via, `${label}.via`, 'none')
    via = parsed.size
    if (via === 4 && size === 16) throw invalidValue(`${label}.via`, hop.via, 'it is of another family than the route')
    gateway.set(parsed.bytes)
  }
  const attribute = via === 0 ? 0 : via === size ? 4 + via : 24
  request
    .u16(8 + attribute)
    .u8(flags)
    .u8(weight - 1)
  request.link(hop.dev === undefined ? 0 : checkLink(hop.dev, `${label}.dev`))
  if (via !== 0) writeGateway(request, via, size)
}

/** In an error: `add route 10.0.0.0/8 via 10.1.1.1 dev eth0`. */
export function describeRoute(verb: string, spec: RouteSpec): string {
  const words = [verb, 'route', spec.to]
  if (spec.via !== undefined) words.push('via', spec.via)
  if (spec.dev !== undefined) words.push('dev', nameLink(spec.dev))
  for (const hop of spec.nexthops ?? []) {
    words.push('nexthop')
    if (hop.via !== undefined) words.push('via', hop.via)
    if (hop.dev !== undefined) words.push('dev', nameLink(hop.dev))
  }
  if (spec.metric !== undefined) words.push('metric', String(spec.metric))
  if (spec.table !== undefined) words.push('table', String(spec.table))
  return words.join(' ')
}

// Looked up by number for every route of a list: a loop over the words would cost more than all the rest.
const TYPE_WORDS = Array.from({ length: 256 }, (_, number) => wordOf(ROUTE_TYPES, number))
const PROTOCOL_WORDS = Array.from({ length: 256 }, (_, number) => wordOf(PROTOCOLS, number))
const SCOPE_WORDS = Array.from({ length: 256 }, (_, number) => wordOf(SCOPES, number))
const NO_FLAGS: readonly string[] = Object.freeze([])

/** Reads a route; `names` are those of the links by their index. */
export function decodeRoute(reader: Reader, message: Message, names: ReadonlyMap<number, string>): Route | undefined {
  if (message.type !== ROUTE_MESSAGE.new && message.type !== ROUTE_MESSAGE.delete) return undefined
  const { start } = message
  const { bytes } = reader
  const family = bytes[start]
  if (family !== AF.inet && family !== AF.inet6) return undefined
  const size = sizeOf(family)
  const flags = reader.u32(start + 8)
  const route: Route = {
    to: 'default',
    table: reader.u8(start + 4),
    type: TYPE_WORDS[reader.u8(start + 7)] as string,
    family: size === 4 ? 4 : 6,
    protocol: PROTOCOL_WORDS[reader.u8(start + 5)] as string,
    scope: SCOPE_WORDS[reader.u8(start + 6)] as string,
    flags: flags === 0 ? (NO_FLAGS as string[]) : flagWords(flags)
  }
  if (flags & ONLINK) route.onlink = true
  const { end } = message
  for (let at = start + 12; at + 4 <= end; ) {
    const length = reader.u16(at)
    if (length < 4 || at + length > end) break
    decodeAttribute(route, reader, reader.u16(at + 2) & 0x3fff, at + 4, at + length, size, names)
    at += (length + 3) & ~3
  }
  if (route.to !== 'default') route.to += `/${reader.u8(start + 1)}`
  return route
}

function decodeAttribute(
  route: Route,
  reader: Reader,
  type: number,
  start: number,
  end: number,
  size: number,
  names: ReadonlyMap<number, string>
): void {
  switch (type) {
    case RTA.to:
      if (end - start === size) route.to = formatIp(reader.bytes, start, size)
      break
    case RTA.via:
      if (end - start === size) route.via = formatIp(reader.bytes, start, size)
      break
    case RTA.via6:
      if (end - start === 18) route.via = formatIp(reader.bytes, start + 2, 16)
      break
    case RTA.dev:
      route.index = reader.u32(start)
      route.dev = names.get(route.index) ?? String(route.index)
      break
    case RTA.src:
      if (end - start === size) route.src = formatIp(reader.bytes, start, size)
      break
    case RTA.metric:
      route.metric = reader.u32(start)
      break
    case RTA.table:
      route.table = reader.u32(start)
      break
    case RTA.metrics:
      for (const metric of reader.attributes(start, end)) {
        if (metric.type === MTU) route.mtu = reader.u32(metric.start)
      }
      break
    case RTA.nexthops:
      route.nexthops = decodeNexthops(reader, start, end, size, names)
  }
}

function decodeNexthops(
  reader: Reader,
  start: number,
  end: number,
  size: number,
  names: ReadonlyMap<number, string>
): Nexthop[] {
  const hops: Nexthop[] = []
  for (let at = start; at + 8 <= end; ) {
    const length = reader.u16(at)
    if (length < 8 || at + length > end) break
    const index = reader.u32(at + 4)
    const hop: Nexthop = { weight: reader.u8(at + 3) + 1 }
    if (index !== 0) hop.dev = names.get(index) ?? String(index)
    if (reader.u8(at + 2) & ONLINK) hop.onlink = true
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
  return Object.keys(NEXTHOP_FLAGS).filter((word) => flags & (NEXTHOP_FLAGS[word] as number))
}
