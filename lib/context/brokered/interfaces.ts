/** `os.networkInterfaces()` of a namespace that the thread may not enter: the kernel is asked over netlink. */
import type { NetworkInterfaceInfo } from 'node:os'
import type { Namespace } from '../../namespace.ts'
import { attempt } from '../../native.ts'
import { AF, formatIp, formatMac, sizeOf } from '../../wire/address.ts'
import { accepted, answerOf } from '../../wire/answer.ts'
import { type Message, messages, type Reader } from '../../wire/reader.ts'
import { FLAG, Request } from '../../wire/request.ts'

const RTM = { newLink: 16, getLink: 18, newAddress: 20, getAddress: 22 } as const
const IFLA = { address: 1, name: 3 } as const
const IFA = { address: 1, local: 2 } as const
/** `IFF_UP`, `IFF_RUNNING`: Node lists no others. */
const RUNNING = 0x41
const LOOPBACK = 0x8
const NO_MAC = '00:00:00:00:00:00'

interface Link {
  name: string
  mac: string
  flags: number
}

/** As Node lists them. */
export function listInterfaces(namespace: Namespace): NodeJS.Dict<NetworkInterfaceInfo[]> {
  const links = new Map<number, Link>()
  each(namespace, RTM.getLink, 16, (reader, { type, start, end }) => {
    if (type !== RTM.newLink) return
    const link: Link = { name: '', mac: NO_MAC, flags: reader.u32(start + 8) }
    for (const attribute of reader.attributes(start + 16, end)) {
      const { start: from, end: to } = attribute
      if (attribute.type === IFLA.name) link.name = reader.text(from, to)
      else if (attribute.type === IFLA.address && to - from === 6) link.mac = formatMac(reader.bytes, from, to)
    }
    links.set(reader.s32(start + 4), link)
  })
  const found: NodeJS.Dict<NetworkInterfaceInfo[]> = {}
  each(namespace, RTM.getAddress, 8, (reader, message) => {
    const link = links.get(reader.s32(message.start + 4))
    const address = message.type === RTM.newAddress && addressOf(reader, message)
    if (!address || link === undefined || (link.flags & RUNNING) !== RUNNING) return
    const scoped = address.family === 'IPv6' ? { scopeid: address.scopeid } : {}
    const { prefix, scopeid: _scoped, ...own } = address
    const internal = (link.flags & LOOPBACK) !== 0
    const info = { ...own, mac: link.mac, internal, cidr: `${own.address}/${prefix}`, ...scoped }
    const list = found[link.name] ?? []
    found[link.name] = list
    list.push(info as NetworkInterfaceInfo)
  })
  return found
}

function addressOf(reader: Reader, { start, end }: Message) {
  const family = reader.u8(start)
  if (family !== AF.inet && family !== AF.inet6) return undefined
  const size = sizeOf(family)
  const prefix = reader.u8(start + 1)
  let at: number | undefined
  for (const attribute of reader.attributes(start + 8, end)) {
    if (attribute.end - attribute.start !== size) continue
    // The local one is this end's, where there are two.
    if (attribute.type === IFA.local || (attribute.type === IFA.address && at === undefined)) at = attribute.start
  }
  if (at === undefined) return undefined
  const mask = Uint8Array.from({ length: size }, (_, index) => (0xff00 >> clamp(prefix - index * 8)) & 0xff)
  const linkLocal = size === 16 && reader.u8(at) === 0xfe && (reader.u8(at + 1) & 0xc0) === 0x80
  return {
    address: formatIp(reader.bytes, at, size),
    netmask: formatIp(mask, 0, size),
    family: size === 4 ? ('IPv4' as const) : ('IPv6' as const),
    prefix,
    scopeid: linkLocal ? reader.u32(start + 4) : 0
  }
}

function clamp(bits: number): number {
  return Math.max(0, Math.min(8, bits))
}

/** Calls `visit` with each message of a dump. */
function each(
  namespace: Namespace,
  type: number,
  head: number,
  visit: (reader: Reader, message: Message) => void
): void {
  const request = new Request().begin(type, FLAG.dump).raw(new Uint8Array(head)).end()
  request.to(namespace)
  const [given] = attempt((native) => native.netlinkDumpSync(request.plan, request.bytes, request.names))
  if (given === undefined) return
  // One that was interrupted at every try may have gaps, as Node's own.
  const { reader } = accepted(answerOf(given), 'list network interfaces')
  for (const message of messages(reader)) visit(reader, message)
}
