/** Neighbours as they are asked for. */
import { AF, familyOf, parse, parsed, parseMac } from '../wire/address.ts'
import type { Request } from '../wire/request.ts'
import { checkFlag, checkInteger, checkLink, checkObject, checkWord, type LinkRef, nameLink } from './check.ts'
import { NDA, NTF } from './neighbour.ts'
import { NEIGHBOUR_STATES } from './words.ts'

/** A neighbour to add: which hardware address an IP address has, or behind which link a hardware address is. */
export interface NeighbourSpec {
  /** The link. */
  dev: LinkRef
  /** Its IP address; none for an entry of a bridge's or vxlan's forwarding database. */
  to?: string | undefined
  /** Its hardware address. */
  mac?: string | undefined
  /** `permanent` (default), `reachable`, `stale`, `noarp`, …. */
  state?: string | undefined
  /** Answer for this address on the link, without having it. */
  proxy?: boolean | undefined
  /** It is a router, of IPv6. */
  router?: boolean | undefined
  /** Of a forwarding database: the bridge's that the link is part of, rather than the link's own. */
  master?: boolean | undefined
  /** Of a bridge's forwarding database. */
  vlan?: number | undefined
  /** Of a vxlan's forwarding database: the tunnel's other end. */
  via?: string | undefined
}

/** What is attempted, in words. */
export function describeNeighbour(verb: string, { to, mac, dev }: NeighbourSpec): string {
  return `${verb} neighbour ${to ?? mac} dev ${nameLink(dev)}`
}

/** `struct ndmsg`. */
export function writeHeader(
  request: Request,
  family: number,
  link: number | string,
  state: number,
  flags: number
): Request {
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
