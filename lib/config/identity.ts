/** What tells one thing from all others in the kernel's messages, as bytes: strings for ten thousands would be much. */
import { AF } from '../wire/address.ts'
import { Attributes, type Message, type Reader } from '../wire/reader.ts'
import { RTA } from './route.ts'
import { TABLES } from './words.ts'

/** `RTM_F_CLONED`: an entry of IPv6's route cache. */
const CLONED = 0x200
/** No attribute that identifies is longer than an IPv6 address. */
const LONGEST = 16

/** `IFA_ADDRESS` and `IFA_LOCAL`. */
const OF_ADDRESS: ReadonlySet<number> = new Set([1, 2])
const OF_ROUTE: ReadonlySet<number> = new Set([RTA.to, RTA.metric, RTA.table])
const OF_LOCAL_ROUTE: ReadonlySet<number> = new Set([...OF_ROUTE, RTA.dev])

/** Where the functions here leave their result, whose length they return: 0 for a message that tells of nothing. */
export const identified = Buffer.alloc(1024)

const walk = new Attributes()
let length = 0

/** What tells a link from others: its index. */
export function linkIdentity(reader: Reader, { start }: Message): number {
  // Bridges tell of their ports in the same message type, but in AF_BRIDGE.
  if (reader.u8(start) !== 0) return 0
  length = 0
  return put(reader, start + 4, start + 8)
}

/** What tells an address from others: its link, its prefix, its peer. */
export function addressIdentity(reader: Reader, { start, end }: Message): number {
  if (!isIp(reader.u8(start))) return 0
  length = 0
  put(reader, start, start + 2)
  put(reader, start + 4, start + 8)
  return rest(reader, start + 8, end, OF_ADDRESS)
}

/** What tells a route from others: its family, table, destination, metric and type; for some its link. */
export function routeIdentity(reader: Reader, { start, end }: Message): number {
  const family = reader.u8(start)
  if (!isIp(family) || reader.u32(start + 8) & CLONED) return 0
  length = 0
  put(reader, start, start + 2)
  put(reader, start + 7, start + 8)
  // IPv6 has such routes once for each link, with the same metric: `ff00::/8`, `fe80::/64`, local ones.
  const local = family === AF.inet6 || reader.u8(start + 4) === TABLES.local
  return rest(reader, start + 12, end, local ? OF_LOCAL_ROUTE : OF_ROUTE)
}

function isIp(family: number): boolean {
  return family === AF.inet || family === AF.inet6
}

/** What tells anything else from others, as text. */
export function textIdentity(text: string): number {
  return identified.write(text)
}

function put(reader: Reader, start: number, end: number): number {
  for (let at = start; at < end; at++) identified[length++] = reader.u8(at)
  return length
}

/** Adds the attributes that count, each behind its type: they may come in any order, and some be missing. */
function rest(reader: Reader, start: number, end: number, counting: ReadonlySet<number>): number {
  walk.of(reader, start, end)
  while (walk.next()) {
    const size = walk.end - walk.start
    if (!counting.has(walk.type) || size > LONGEST || length + size >= identified.length) continue
    identified[length++] = walk.type
    put(reader, walk.start, walk.end)
  }
  return length
}
