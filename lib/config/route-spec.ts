/** Routes as they are asked for. */
import { invalidType, invalidValue } from '../errors.ts'
import { AF, familyOf, hasHostBits, parse, parsed } from '../wire/address.ts'
import type { Request } from '../wire/request.ts'
import {
  checkFlag,
  checkInteger,
  checkLink,
  checkObject,
  checkU32,
  checkWord,
  type LinkRef,
  nameLink
} from './check.ts'
import { NEXTHOP_FLAGS, ROUTE_MESSAGE, RTA, RTAX_MTU } from './route.ts'
import { PROTOCOLS, ROUTE_TYPES, SCOPES, TABLES } from './words.ts'

/** One of several ways a route can go. */
export interface Nexthop {
  /** The gateway. */
  via?: string | undefined
  /** The link. Default: the one by which the gateway is reached. */
  dev?: LinkRef | undefined
  /** 1 (default) to 256. */
  weight?: number | undefined
  /** As for a route. */
  onlink?: boolean | undefined
}

/** A route to add, replace or delete. */
export interface RouteSpec {
  /** `10.0.0.0/8`, an address alone for a host, or `default`. */
  to: string
  /** The gateway. */
  via?: string | undefined
  /** The link. Default: the one by which the gateway is reached. */
  dev?: LinkRef | undefined
  /** The address that connections along it come from. */
  src?: string | undefined
  /** Lower is preferred. */
  metric?: number | undefined
  /** `main` (default), `local`, `default` or a number. */
  table?: number | string | undefined
  /** `unicast` (default), `blackhole`, `unreachable`, `prohibit`, `throw`, `local`, …. */
  type?: string | undefined
  /** By default what the kernel takes to be right: `link` without a gateway, `global` with one. */
  scope?: string | undefined
  /** `static` by default, so that it outlives a routing daemon's clean-up. */
  protocol?: string | undefined
  /** The gateway is reachable over the link although no address says so. */
  onlink?: boolean | undefined
  /** Bytes. Default: the link's. */
  mtu?: number | undefined
  /** Several ways at once (multipath). */
  nexthops?: Nexthop[] | undefined
  /** Needed only for `default` without an address that tells. */
  family?: 4 | 6 | undefined
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
  const onlink = spec.onlink !== undefined && checkFlag(spec.onlink, `${label}.onlink`) ? NEXTHOP_FLAGS.onlink : 0
  const nowhere = link === undefined && via === 0 && spec.nexthops === undefined
  if (nowhere && !deleting && kind >= ROUTE_TYPES.unicast && kind <= ROUTE_TYPES.multicast) {
    throw invalidValue(`${label}.to`, spec.to, 'the route leads nowhere without via, dev or nexthops')
  }
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
    request.nest(RTA.metrics, () => request.attributeU32(RTAX_MTU, value), 0)
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
  const flags = hop.onlink !== undefined && checkFlag(hop.onlink, `${label}.onlink`) ? NEXTHOP_FLAGS.onlink : 0
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
  const words = [verb, 'route', ...(spec.type === undefined || spec.type === 'unicast' ? [] : [spec.type]), spec.to]
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
