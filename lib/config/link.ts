/** Links as the kernel tells them. */

import { formatMac } from '../wire/address.ts'
import { type Message, placesOf, type Reader } from '../wire/reader.ts'
import { readFields } from './fields.ts'
import { LINK_KINDS } from './link-kinds.ts'

/** `RTM_…` of links. */
export enum LINK_MESSAGE {
  new = 16,
  delete = 17,
  get = 18,
  set = 19
}

/** `IFLA_…`. */
export enum IFLA {
  address = 1,
  broadcast = 2,
  name = 3,
  mtu = 4,
  link = 5,
  qdisc = 6,
  master = 10,
  txQueueLength = 13,
  state = 16,
  info = 18,
  alias = 20,
  stats64 = 23,
  group = 27,
  namespace = 28,
  extMask = 29,
  promiscuity = 30,
  carrier = 33,
  peerNamespace = 37,
  newIndex = 49,
  properties = 52,
  altName = 53,
  permanentAddress = 54
}

/** `IFLA_INFO_…`. */
export enum INFO {
  kind = 1,
  data = 2
}

/** `IFF_…`, in iproute2's words. */
export const IFF: Readonly<Record<string, number>> = {
  UP: 1,
  BROADCAST: 2,
  DEBUG: 4,
  LOOPBACK: 8,
  POINTOPOINT: 0x10,
  NOTRAILERS: 0x20,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  ALLMULTI: 0x200,
  MASTER: 0x400,
  SLAVE: 0x800,
  MULTICAST: 0x1000,
  PORTSEL: 0x2000,
  AUTOMEDIA: 0x4000,
  DYNAMIC: 0x8000,
  LOWER_UP: 0x10000,
  DORMANT: 0x20000,
  ECHO: 0x40000
}

const IFF_UP = 1
const IFF_PROMISC = 0x100
const STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP']
/** `ARPHRD_…`. */
const ETHER = 1
const TYPE_WORDS = new Map([
  [772, 'loopback'],
  [0xfffe, 'none'],
  [778, 'gre'],
  [512, 'ppp'],
  [0xffff, 'void']
])

/** `struct rtnl_link_stats64`, in its order. */
const COUNTERS = [
  'rxPackets txPackets rxBytes txBytes rxErrors txErrors rxDropped txDropped multicast collisions rxLengthErrors',
  'rxOverErrors rxCrcErrors rxFrameErrors rxFifoErrors rxMissedErrors txAbortedErrors txCarrierErrors txFifoErrors',
  'txHeartbeatErrors txWindowErrors rxCompressed txCompressed rxNohandler rxOtherhostDropped'
].flatMap((line) => line.split(' '))

/** A link: a network interface, real or virtual. */
export interface Link {
  index: number
  name: string
  /** `veth`, `bridge`, `tun`, …; none for `lo` and physical cards. */
  kind: string | undefined
  /** The hardware address. */
  mac?: string
  /** The hardware address that the card came with. */
  permanentMac?: string
  /** Bytes. */
  mtu: number
  /** Whether it was set up; see {@link state} for whether it works. */
  up: boolean
  /** The operational state (RFC 2863): `UP`, `DOWN`, `LOWERLAYERDOWN`, `UNKNOWN` (as `lo`), …. */
  state: string
  /** Whether the other end is there, electrically or otherwise. */
  carrier: boolean
  /** What it is on the wire: `ether`, `loopback`, `none`, or the kernel's number. */
  type: string
  /** iproute2's flags: `BROADCAST`, `NOARP`, …. */
  flags: string[]
  /** Whether it takes what is for other hosts, too. */
  promiscuous: boolean
  /** A remark, for people. */
  alias?: string
  /** The index of the bridge, bond or VRF that it is part of. */
  master?: number
  /** The index of the link it is built on or paired with, in the namespace of {@link peerNetns} if that is there. */
  link?: number
  /** The namespace of `link`, as this one's `nsid`, if it is another one and the kernel tells. */
  peerNetns?: number
  /** The number of the group of links that it is in; 0 unless it was set. */
  group: number
  /** Packets. */
  txQueueLength: number
  /** How it queues what it sends: `noqueue`, `fq_codel`, …. */
  qdisc?: string
  /** Further names, which may be longer. */
  altNames: string[]
  /** Counters, 64 bits each. */
  stats: Record<string, bigint>
  /** What there is to tell about its kind: see `docs/configuration.md`. */
  info: Record<string, unknown>
}

/** Reads a link. It has half a hundred attributes, most of which are not for us. */
export function decodeLink(reader: Reader, message: Message): Link | undefined {
  const { words } = reader
  const { type, start } = message
  const head = start >> 2
  // Bridges tell of their ports in the same message type, but in AF_BRIDGE.
  if (type > LINK_MESSAGE.delete || type < LINK_MESSAGE.new || ((words[head] ?? 1) & 0xff) !== 0) return undefined
  const flags = words[head + 2] ?? 0
  const at = placesOf(reader, start + 16, message.end)
  const name = at[IFLA.name] as number
  const state = at[IFLA.state] as number
  const stats = at[IFLA.stats64] as number
  const link: Link = {
    index: numberAt(words, start + 4) | 0,
    name: name === 0 ? '' : textAt(reader, name),
    kind: undefined,
    mtu: numberAt(words, at[IFLA.mtu]),
    up: (flags & IFF_UP) !== 0,
    state: state === 0 ? 'UNKNOWN' : (STATES[reader.u8(state)] ?? 'UNKNOWN'),
    carrier: (numberAt(words, at[IFLA.carrier]) & 0xff) !== 0,
    type: typeWord((words[head] as number) >>> 16),
    flags: flagWords(flags),
    promiscuous: (flags & IFF_PROMISC) !== 0,
    group: numberAt(words, at[IFLA.group]),
    txQueueLength: numberAt(words, at[IFLA.txQueueLength]),
    altNames: [],
    stats: stats === 0 ? {} : decodeStats(reader, stats),
    info: {}
  }
  const mac = at[IFLA.address] as number
  if (mac !== 0 && reader.endOf(mac) > mac) link.mac = formatMac(reader.bytes, mac, reader.endOf(mac))
  const permanent = at[IFLA.permanentAddress] as number
  if (permanent !== 0 && reader.endOf(permanent) > permanent) {
    link.permanentMac = formatMac(reader.bytes, permanent, reader.endOf(permanent))
  }
  const alias = at[IFLA.alias] as number
  if (alias !== 0) link.alias = textAt(reader, alias)
  const master = at[IFLA.master] as number
  if (master !== 0) link.master = numberAt(words, master)
  const other = numberAt(words, at[IFLA.link])
  if (other !== 0) link.link = other
  const peer = at[IFLA.peerNamespace] as number
  if (peer !== 0 && (numberAt(words, peer) | 0) >= 0) link.peerNetns = numberAt(words, peer)
  const qdisc = at[IFLA.qdisc] as number
  if (qdisc !== 0) link.qdisc = textAt(reader, qdisc)
  const properties = at[IFLA.properties] as number
  if (properties !== 0) decodeProperties(link, reader, properties)
  // The last, as it asks for places itself.
  const info = at[IFLA.info] as number
  if (info !== 0) decodeInfo(link, reader, info)
  return link
}

/** The number at a place; 0 for one that is not there, as beyond the end. */
function numberAt(words: Uint32Array, place: number | undefined): number {
  return place ? (words[place >> 2] ?? 0) : 0
}

function textAt(reader: Reader, place: number): string {
  return reader.text(place, reader.endOf(place))
}

function typeWord(type: number): string {
  // What most are.
  return type === ETHER ? 'ether' : (TYPE_WORDS.get(type) ?? String(type))
}

function decodeProperties(link: Link, reader: Reader, start: number): void {
  for (const property of reader.attributes(start, reader.endOf(start))) {
    if (property.type === IFLA.altName) link.altNames.push(reader.text(property.start, property.end))
  }
}

/** What a kernel's counters look like: older ones have fewer. Properties that are added one by one take ten times longer. */
const BLANK_STATS: Record<string, bigint>[] = []

function decodeStats(reader: Reader, start: number): Record<string, bigint> {
  const { words } = reader
  const count = Math.min(COUNTERS.length, (reader.endOf(start) - start) >> 3)
  BLANK_STATS[count] ??= Object.fromEntries(COUNTERS.slice(0, count).map((counter) => [counter, 0n]))
  const stats = { ...BLANK_STATS[count] }
  for (let i = 0, at = start >> 2; i < count; i++, at += 2) {
    // Most are zero: a bigint for each of them would be most of the garbage that a list of links leaves.
    if (((words[at] as number) | (words[at + 1] as number)) !== 0) stats[COUNTERS[i] as string] = reader.u64(at << 2)
  }
  return stats
}

function decodeInfo(link: Link, reader: Reader, start: number): void {
  const at = placesOf(reader, start, reader.endOf(start))
  const kind = at[INFO.kind] as number
  const data = at[INFO.data] as number
  if (kind === 0) return
  link.kind = textAt(reader, kind)
  if (data === 0) return
  const schema = Object.hasOwn(LINK_KINDS, link.kind) ? LINK_KINDS[link.kind] : undefined
  if (schema !== undefined) link.info = readFields(reader, data, reader.endOf(data), schema)
  // The kernel has one kind for both, and tells them apart as an option.
  if (link.kind === 'tun' && link.info['type'] === 'tap') link.kind = 'tap'
}

/** The words of each combination of flags: there are few, and many links. */
const FLAG_WORDS = new Map<number, string[]>()
let lastFlags = 0
let lastWords = Object.freeze([]) as unknown as string[]

function flagWords(flags: number): string[] {
  if (flags === lastFlags) return lastWords
  let words = FLAG_WORDS.get(flags)
  if (words === undefined) {
    words = Object.keys(IFF).filter((word) => flags & (IFF[word] as number))
    FLAG_WORDS.set(flags, Object.freeze(words) as string[])
  }
  lastFlags = flags
  lastWords = words
  return words
}
