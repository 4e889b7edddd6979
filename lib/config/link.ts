/** Links as the kernel tells them. */

import { formatMac } from '../wire/address.ts'
import { Attributes, type Message, type Reader } from '../wire/reader.ts'
import { wordOf } from './check.ts'
import { readFields } from './fields.ts'
import { LINK_KINDS } from './link-kinds.ts'

/** `RTM_…` of links. */
export const LINK_MESSAGE = { new: 16, delete: 17, get: 18, set: 19 } as const

/** `IFLA_…`. */
export const IFLA = {
  address: 1,
  broadcast: 2,
  name: 3,
  mtu: 4,
  link: 5,
  qdisc: 6,
  master: 10,
  txQueueLength: 13,
  state: 16,
  info: 18,
  alias: 20,
  stats64: 23,
  group: 27,
  namespace: 28,
  extMask: 29,
  promiscuity: 30,
  carrier: 33,
  peerNamespace: 37,
  newIndex: 49,
  properties: 52,
  altName: 53,
  permanentAddress: 54
} as const

/** `IFLA_INFO_…`. */
export const INFO = { kind: 1, data: 2 } as const

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

const STATES = ['UNKNOWN', 'NOTPRESENT', 'DOWN', 'LOWERLAYERDOWN', 'TESTING', 'DORMANT', 'UP']
const TYPES: Readonly<Record<string, number>> = {
  ether: 1,
  loopback: 772,
  none: 0xfffe,
  gre: 778,
  ppp: 512,
  void: 0xffff
}

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
  promiscuous: boolean
  alias?: string
  /** The index of the bridge, bond or VRF that it is part of. */
  master?: number
  /** The index of the link it is built on or paired with, in the namespace of {@link peerNetns} if that is there. */
  link?: number
  /** The namespace of `link`, as this one's `nsid`, if it is another one and the kernel tells. */
  peerNetns?: number
  group: number
  txQueueLength: number
  /** How it queues what it sends: `noqueue`, `fq_codel`, …. */
  qdisc?: string
  altNames: string[]
  /** Counters, 64 bits each. */
  stats: Record<string, bigint>
  /** What there is to tell about its kind: see `docs/configuration.md`. */
  info: Record<string, unknown>
}

const walk = new Attributes()

/** Reads a link. */
export function decodeLink(reader: Reader, message: Message): Link | undefined {
  // Bridges tell of their ports in the same message type, but in AF_BRIDGE.
  if (message.type > LINK_MESSAGE.delete || message.type < LINK_MESSAGE.new || reader.u8(message.start) !== 0) return
  const flags = reader.u32(message.start + 8)
  const link: Link = {
    index: reader.s32(message.start + 4),
    name: '',
    kind: undefined,
    mtu: 0,
    up: (flags & 1) !== 0,
    state: 'UNKNOWN',
    carrier: false,
    type: wordOf(TYPES, reader.u16(message.start + 2)),
    flags: flagWords(flags),
    promiscuous: (flags & 0x100) !== 0,
    group: 0,
    txQueueLength: 0,
    altNames: [],
    stats: {},
    info: {}
  }
  walk.of(reader, message.start + 16, message.end)
  while (walk.next()) READERS[walk.type]?.(link, reader, walk.start, walk.end)
  return link
}

type Read = (link: Link, reader: Reader, start: number, end: number) => void

/** How each attribute is read, by its number: a link has half a hundred, most of which are not for us. */
const READERS: (Read | undefined)[] = []

READERS[IFLA.name] = (link, reader, start, end) => {
  link.name = reader.text(start, end)
}
READERS[IFLA.address] = (link, reader, start, end) => {
  if (end > start) link.mac = formatMac(reader.bytes, start, end)
}
READERS[IFLA.permanentAddress] = (link, reader, start, end) => {
  if (end > start) link.permanentMac = formatMac(reader.bytes, start, end)
}
READERS[IFLA.mtu] = (link, reader, start) => {
  link.mtu = reader.u32(start)
}
READERS[IFLA.link] = (link, reader, start) => {
  if (reader.u32(start) !== 0) link.link = reader.u32(start)
}
READERS[IFLA.qdisc] = (link, reader, start, end) => {
  link.qdisc = reader.text(start, end)
}
READERS[IFLA.master] = (link, reader, start) => {
  link.master = reader.u32(start)
}
READERS[IFLA.txQueueLength] = (link, reader, start) => {
  link.txQueueLength = reader.u32(start)
}
READERS[IFLA.state] = (link, reader, start) => {
  link.state = STATES[reader.u8(start)] ?? 'UNKNOWN'
}
READERS[IFLA.carrier] = (link, reader, start) => {
  link.carrier = reader.u8(start) !== 0
}
READERS[IFLA.alias] = (link, reader, start, end) => {
  link.alias = reader.text(start, end)
}
READERS[IFLA.group] = (link, reader, start) => {
  link.group = reader.u32(start)
}
READERS[IFLA.peerNamespace] = (link, reader, start) => {
  if (reader.s32(start) >= 0) link.peerNetns = reader.s32(start)
}
READERS[IFLA.properties] = (link, reader, start, end) => {
  for (const property of reader.attributes(start, end)) {
    if (property.type === IFLA.altName) link.altNames.push(reader.text(property.start, property.end))
  }
}
READERS[IFLA.stats64] = (link, reader, start, end) => {
  link.stats = decodeStats(reader, start, end)
}
READERS[IFLA.info] = (link, reader, start, end) => decodeInfo(link, reader, start, end)

/** What a kernel's counters look like: older ones have fewer. Properties that are added one by one take ten times longer. */
const BLANK_STATS: Record<string, bigint>[] = []

function decodeStats(reader: Reader, start: number, end: number): Record<string, bigint> {
  const count = Math.min(COUNTERS.length, (end - start) >> 3)
  BLANK_STATS[count] ??= Object.fromEntries(COUNTERS.slice(0, count).map((counter) => [counter, 0n]))
  const stats = { ...BLANK_STATS[count] }
  for (let i = 0; i < count; i++) {
    const at = start + i * 8
    // Most are zero: a bigint for each of them would be most of the garbage that a list of links leaves.
    if (reader.u32(at) !== 0 || reader.u32(at + 4) !== 0) stats[COUNTERS[i] as string] = reader.u64(at)
  }
  return stats
}

function decodeInfo(link: Link, reader: Reader, start: number, end: number): void {
  const attributes = reader.attributes(start, end)
  const kind = attributes.find(({ type }) => type === INFO.kind)
  if (kind === undefined) return
  link.kind = reader.text(kind.start, kind.end)
  const schema = Object.hasOwn(LINK_KINDS, link.kind) ? LINK_KINDS[link.kind] : undefined
  const data = attributes.find(({ type }) => type === INFO.data)
  if (schema !== undefined && data !== undefined) link.info = readFields(reader, data.start, data.end, schema)
  // The kernel has one kind for both, and tells them apart as an option.
  if (link.kind === 'tun' && link.info['type'] === 'tap') link.kind = 'tap'
}

/** The words of each combination of flags: there are few, and many links. */
const FLAG_WORDS = new Map<number, string[]>()

function flagWords(flags: number): string[] {
  let words = FLAG_WORDS.get(flags)
  if (words === undefined) {
    words = Object.keys(IFF).filter((word) => flags & (IFF[word] as number))
    FLAG_WORDS.set(flags, Object.freeze(words) as string[])
  }
  return words
}
