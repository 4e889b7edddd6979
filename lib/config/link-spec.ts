/** Links to make, and the message that makes them; and the one that asks for a link. */
import { invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { FLAG, type Request } from '../wire/request.ts'
import { checkFlag, checkLink, checkLinkName, checkNamespace, checkObject, type LinkRef } from './check.ts'
import { type Schema, writeFields } from './fields.ts'
import { IFLA, INFO, LINK_MESSAGE } from './link.ts'
import { IFF_UP, writeCommon } from './link-changes.ts'
import { LINK_KINDS } from './link-kinds.ts'

/** `IFNAMSIZ` without the NUL: a longer name is an alternative one. */
const LONGEST_NAME = 15
/** `VETH_INFO_PEER`. */
const PEER = 1

/** The other end of a veth. */
export interface VethPeer {
  /** By default the kernel's next free `veth…`. */
  name?: string | undefined
  /** The namespace that it is made in. By default that of the first end. */
  netns?: Namespace | undefined
  /** The hardware address. Default: the kernel's choice. */
  mac?: string | undefined
  /** Bytes. Default 1,500. */
  mtu?: number | undefined
  /** Whether it is set up at once. Default false. */
  up?: boolean | undefined
  /** Addresses with prefix lengths, as `10.0.0.2/24`; without duplicate address detection. */
  addresses?: readonly string[] | undefined
}

/** What every kind of link can be made with. */
export interface CommonLinkSpec {
  /** At most 15 bytes, without `/`, `:` and blanks. */
  name: string
  /** The hardware address. Default: the kernel's choice. */
  mac?: string | undefined
  /** Bytes. Default: as the kernel has it for the kind. */
  mtu?: number | undefined
  /** Whether it is set up at once. Default false. */
  up?: boolean | undefined
  /** A remark, for people. */
  alias?: string | undefined
  /** The bridge, bond or VRF that it becomes part of. */
  master?: LinkRef | undefined
  /** Packets. Default: as the kernel has it for the kind. */
  txQueueLength?: number | undefined
  /** The link it is built on, for `macvlan`, `macvtap`, `ipvlan` and `vlan`. */
  link?: LinkRef | undefined
  /** The namespace of `link`, if that is not this one. */
  linkNetns?: Namespace | undefined
  /** Addresses with prefix lengths, as `10.0.0.1/24`; without duplicate address detection. */
  addresses?: readonly string[] | undefined
}

/** The kinds of links that can be made, besides `veth`. */
export type LinkKind =
  | 'bridge'
  | 'macvlan'
  | 'macvtap'
  | 'ipvlan'
  | 'vlan'
  | 'vxlan'
  | 'dummy'
  | 'ifb'
  | 'tun'
  | 'tap'
  | 'vrf'
  | 'bond'
  | 'gre'
  | 'geneve'
  | 'wireguard'

/** A link to make: what every link has, and the options of its kind by their names in `docs/configuration.md`. */
export type LinkSpec = CommonLinkSpec &
  ({ kind: 'veth'; peer: VethPeer } | { kind: LinkKind; [option: string]: unknown })

/** What each kind can be made with; of a tap, the message that makes it tells nothing. */
const KINDS: ReadonlyMap<string, Schema> = new Map([...Object.entries(LINK_KINDS), ['tap', {}]])
const COMMON = new Set([
  ...['kind', 'name', 'mac', 'mtu', 'up', 'alias', 'master', 'txQueueLength', 'link', 'linkNetns'],
  'addresses'
])
const VETH = new Set([...COMMON, 'peer'])
/** Checks what is known to be wrong without the kernel, and returns the options that the kind has. */
export function checkSpec(spec: LinkSpec): Schema {
  checkObject(spec, 'spec')
  const kind: unknown = spec.kind
  if (typeof kind !== 'string') throw invalidType('spec.kind', 'of type string', kind)
  const schema = KINDS.get(kind)
  if (schema === undefined) {
    throw invalidValue('spec.kind', kind, `known are ${Object.keys(LINK_KINDS).join(', ')}, tap`)
  }
  checkLinkName(spec.name, 'spec.name')
  if (spec.addresses !== undefined) checkAddresses(spec.addresses, 'spec.addresses')
  if (spec.linkNetns !== undefined) checkNamespace(spec.linkNetns, 'spec.linkNetns')
  if (spec.kind === 'veth') {
    if (spec.linkNetns !== undefined) {
      throw invalidValue('spec.linkNetns', spec.linkNetns, 'a veth is built on no other link')
    }
    const peer = checkObject(spec.peer as VethPeer, 'spec.peer')
    if (peer.up !== undefined) checkFlag(peer.up, 'spec.peer.up')
    if (peer.addresses !== undefined) checkAddresses(peer.addresses, 'spec.peer.addresses')
  }
  return schema
}

function checkAddresses(addresses: unknown, label: string): void {
  if (!Array.isArray(addresses)) throw invalidType(label, 'an instance of Array', addresses)
}

/** `RTM_NEWLINK` for a new link, in `into` if that is another namespace than the one that is asked. */
export function writeNewLink(request: Request, spec: LinkSpec, schema: Schema, into?: Namespace): Request {
  // What is echoed tells the indexes of what was made: nobody has to ask for them then.
  const echo = into === undefined ? FLAG.echo : 0
  request.begin(LINK_MESSAGE.new, FLAG.create | FLAG.excl | FLAG.ack | echo)
  const up = spec.up !== undefined && checkFlag(spec.up, 'spec.up') ? IFF_UP : 0
  request.linkHeader(0, up, up)
  request.attributeText(IFLA.name, spec.name)
  writeCommon(request, spec, 'spec')
  if (spec.link !== undefined) request.attributeLink(IFLA.link, checkLink(spec.link, 'spec.link'))
  if (spec.master !== undefined && into === undefined) {
    request.attributeLink(IFLA.master, checkLink(spec.master, 'spec.master'))
  }
  if (into !== undefined) request.attributeNamespace(IFLA.namespace, into)
  const info = request.open(IFLA.info, 0)
  request.attributeText(INFO.kind, spec.kind, 0)
  writeData(request, spec, schema)
  return request.close(info).end()
}

function writeData(request: Request, spec: LinkSpec, schema: Schema): void {
  const veth = spec.kind === 'veth'
  if (!veth && !Object.keys(spec).some((key) => !COMMON.has(key))) return
  const data = request.open(INFO.data, 0)
  writeFields(request, schema, spec, 'spec', veth ? VETH : COMMON)
  if (veth) writePeer(request, spec.peer as VethPeer)
  request.close(data)
}

function writePeer(request: Request, peer: VethPeer): void {
  const { name, netns } = peer
  const nested = request.open(PEER, 0)
  // A veth's peer cannot come up before it has one itself: that is left for later.
  request.linkHeader(0)
  if (name !== undefined) request.attributeText(IFLA.name, checkLinkName(name, 'spec.peer.name'))
  writeCommon(request, peer, 'spec.peer')
  if (netns !== undefined) request.attributeNamespace(IFLA.namespace, checkNamespace(netns, 'spec.peer.netns'))
  request.close(nested)
}

/** Asks for one link. */
export function writeGet(request: Request, target: number | string): Request {
  request.begin(LINK_MESSAGE.get, 0)
  request.linkHeader(typeof target === 'number' ? target : 0)
  if (typeof target === 'string') {
    request.attributeText(target.length > LONGEST_NAME ? IFLA.altName : IFLA.name, target)
  }
  return request.end()
}
