/** Neighbours as the kernel tells them. */
import { AF, formatIp, formatMac } from '../wire/address.ts'
import { Attributes, type Message, type Reader } from '../wire/reader.ts'
import { wordOf } from './check.ts'
import type { NeighbourSpec } from './neighbour-spec.ts'
import { NEIGHBOUR_STATES } from './words.ts'

/** `RTM_…` of neighbours. */
export const NEIGHBOUR_MESSAGE = { new: 28, delete: 29, get: 30 } as const

/** `NDA_…`. */
export const NDA = { to: 1, mac: 2, vlan: 5, port: 6, master: 9 } as const

/** `NTF_…`. */
export const NTF = { self: 2, master: 4, proxy: 8, router: 0x80 } as const

/** A neighbour that there is. */
export interface Neighbour extends NeighbourSpec {
  /** The link's name. */
  dev: string
  /** The link's index. */
  index: number
  /** None for an entry of a forwarding database. */
  family: 4 | 6 | undefined
  /** `permanent`, `reachable`, `stale`, …, or a number. */
  state: string
}

const walk = new Attributes()

/** Reads a neighbour; `names` are those of the links by their index. */
export function decodeNeighbour(
  reader: Reader,
  message: Message,
  names: ReadonlyMap<number, string>
): Neighbour | undefined {
  if (message.type !== NEIGHBOUR_MESSAGE.new && message.type !== NEIGHBOUR_MESSAGE.delete) return undefined
  const { start } = message
  const family = reader.u8(start)
  if (family !== AF.inet && family !== AF.inet6 && family !== AF.bridge) return undefined
  const index = reader.u32(start + 4)
  const flags = reader.u8(start + 10)
  const found: Neighbour = {
    dev: names.get(index) ?? String(index),
    index,
    family: family === AF.bridge ? undefined : family === AF.inet ? 4 : 6,
    state: wordOf(NEIGHBOUR_STATES, reader.u16(start + 8))
  }
  if (flags & NTF.proxy) found.proxy = true
  if (flags & NTF.router) found.router = true
  walk.of(reader, start + 12, message.end)
  while (walk.next()) {
    const { type, start: at, end } = walk
    if (type === NDA.to && (end - at === 4 || end - at === 16)) {
      const address = formatIp(reader.bytes, at, end - at)
      if (family === AF.bridge) found.via = address
      else found.to = address
    } else if (type === NDA.mac) found.mac = formatMac(reader.bytes, at, end)
    else if (type === NDA.vlan) found.vlan = reader.u16(at)
    else if (type === NDA.master && family === AF.bridge) found.master = true
  }
  return found
}
