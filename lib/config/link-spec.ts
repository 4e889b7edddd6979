/** What is asked of links, and the messages that ask it. */
import { invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { parseMac } from '../wire/address.ts'
import { FLAG, type LinkTarget, type Request } from '../wire/request.ts'
import {
  checkFlag,
  checkInteger,
  checkLink,
  checkLinkName,
  checkNamespace,
  checkObject,
  checkU32,
  type LinkRef
} from './check.ts'
import { type Schema, text, writeFields } from './fields.ts'
import { IFLA, INFO, LINK_MESSAGE } from './link.ts'
import { LINK_KINDS } from './link-kinds.ts'

/** `IFNAMSIZ` without the NUL: a longer name is an alternative one. */
const LONGEST_NAME = 15
const IFF_UP = 1
const IFF_PROMISC = 0x100
/** `VETH_INFO_PEER`. */
const PEER = 1

/** The other end of a veth. */
export interface VethPeer {
  /** By default the kernel's next free `veth…`. */
  name?: string
  /** The namespace that it is made in. By default that of the first end. */
  netns?: Namespace
  mac?: string
  mtu?: number
  up?: boolean
  /** Addresses with prefix lengths, as `10.0.0.2/24`; without duplicate address detection. */
  addresses?: string[]
}

/** What every kind of link can be made with. */
export interface CommonLinkSpec {
  name: string
  mac?: string
  mtu?: number
  up?: boolean
  alias?: string
  /** The bridge, bond or VRF that it becomes part of. */
  master?: LinkRef
  txQueueLength?: number
  /** The link it is built on, for `macvlan`, `macvtap`, `ipvlan` and `vlan`. */
  link?: LinkRef
  /** The namespace of `link`, if that is not this one. */
  linkNetns?: Namespace
  /** Addresses with prefix lengths, as `10.0.0.1/24`; without duplicate address detection. */
  addresses?: string[]
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

/** What can be changed of a link. */
export interface LinkChanges {
  up?: boolean
  mtu?: number
  mac?: string
  name?: string
  /** An empty one takes it away. */
  alias?: string
  /** `null` takes it out. */
  master?: LinkRef | null
  promiscuous?: boolean
  txQueueLength?: number
  group?: number
  /** Options of its kind. */
  info?: Record<string, unknown>
}

/** What each kind can be made with; of a tap, the message that makes it tells nothing. */
const KINDS: ReadonlyMap<string, Schema> = new Map([...Object.entries(LINK_KINDS), ['tap', {}]])
const COMMON = new Set([
  ...['kind', 'name', 'mac', 'mtu', 'up', 'alias', 'master', 'txQueueLength', 'link', 'linkNetns'],
  'addresses'
])
const VETH = new Set([...COMMON, 'peer'])
const CHANGES = new Set([
  'up',
  'mtu',
  'mac',
  'name',
  'alias',
  'master',
  'promiscuous',
  'txQueueLength',
  'group',
  'info'
])

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

/** `RTM_NEWLINK` that sets a link up. */
export function writeUp(request: Request, link: LinkTarget): void {
  request.begin(LINK_MESSAGE.new, FLAG.ack)
  request.linkHeader(link, IFF_UP, IFF_UP).end()
}

interface Common {
  mac?: string
  mtu?: number
  txQueueLength?: number
}

function writeCommon(request: Request, values: Common, label: string): void {
  const { mac, mtu, txQueueLength } = values
  if (mac !== undefined) request.attributeRaw(IFLA.address, parseMac(mac, `${label}.mac`))
  if (mtu !== undefined) request.attributeU32(IFLA.mtu, checkInteger(mtu, `${label}.mtu`, 0, 2 ** 31 - 1))
  if (txQueueLength !== undefined) {
    request.attributeU32(IFLA.txQueueLength, checkU32(txQueueLength, `${label}.txQueueLength`))
  }
}

/** `RTM_NEWLINK` for changes of a link that is there. */
export function writeChanges(request: Request, link: LinkTarget, changes: LinkChanges, kind?: string): void {
  checkObject(changes, 'changes')
  for (const name of Object.keys(changes)) {
    if (!CHANGES.has(name)) throw invalidValue(`changes.${name}`, changes[name as 'up'], 'there is no such option')
  }
  let [flags, mask] = [0, 0]
  for (const [name, bit] of [['up', IFF_UP] as const, ['promiscuous', IFF_PROMISC] as const]) {
    const wanted = changes[name]
    if (wanted === undefined) continue
    mask |= bit
    if (checkFlag(wanted, `changes.${name}`)) flags |= bit
  }
  request.begin(LINK_MESSAGE.new, FLAG.ack)
  request.linkHeader(link, flags, mask)
  const { name, alias, master, group, info } = changes
  if (name !== undefined) request.attributeText(IFLA.name, checkLinkName(name, 'changes.name'))
  writeCommon(request, changes, 'changes')
  if (alias !== undefined) text.write(request, IFLA.alias, alias, 'changes.alias')
  if (group !== undefined) request.attributeU32(IFLA.group, checkU32(group, 'changes.group'))
  if (master === null) request.attributeU32(IFLA.master, 0)
  else if (master !== undefined) request.attributeLink(IFLA.master, checkLink(master, 'changes.master'))
  if (info !== undefined && kind !== undefined) {
    request.nest(
      IFLA.info,
      () => {
        request.attributeText(INFO.kind, kind, 0)
        request.nest(INFO.data, () => writeFields(request, LINK_KINDS[kind] ?? {}, info, 'changes.info'), 0)
      },
      0
    )
  }
  request.end()
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
