/** Attributes of links that are like no others. */
import { invalidType } from '../errors.ts'
import { checkInteger, checkU32 } from './check.ts'
import { be16, be32, type Codec, list, mac } from './fields.ts'

const SOURCES = { mode: 3, set: 3, address: 4 } as const

/** `IFLA_MACVLAN_MACADDR_…`: the addresses that mode `source` takes packets from, all at once. */
export const sources: Codec = {
  write: (request, type, value, label) => {
    request.attributeU32(SOURCES.mode, SOURCES.set)
    list(mac, SOURCES.address, 0).write(request, type, value, label)
  },
  read: (reader, start, end) => list(mac).read(reader, start, end)
}

const QOS_MAPPING = 1

/** Which priority becomes which, as `{ 1: 5 }`. */
export const qosMap: Codec = {
  write: (request, type, value, label) => {
    if (typeof value !== 'object' || value === null) throw invalidType(label, 'of type object', value)
    request.nest(
      type,
      () => {
        for (const [from, to] of Object.entries(value)) {
          request
            .attribute(QOS_MAPPING, 8)
            .u32(checkU32(Number(from), label))
            .u32(checkU32(to, `${label}.${from}`))
        }
      },
      0
    )
  },
  read: (reader, start, end) =>
    Object.fromEntries(
      reader.attributes(start, end).map((pair) => [reader.u32(pair.start), reader.u32(pair.start + 4)])
    )
}

/** `GRE_KEY`: without it the kernel does not look at the keys. */
const GRE_KEY = 0x2000

/** One key for both directions, with the flags that make them count. */
export const greKey: Codec = {
  write: (request, _type, value, label) => {
    for (const flags of [2, 3]) be16.write(request, flags, GRE_KEY, label)
    for (const key of [4, 5]) be32.write(request, key, value, label)
  },
  read: () => undefined
}

/** The first and the last port, big-endian, as `[32768, 61000]`. */
export const portRange: Codec = {
  write: (request, type, value, label) => {
    if (!Array.isArray(value)) throw invalidType(label, 'an instance of Array', value)
    const [low, high] = [0, 1].map((i) => checkInteger(value[i], `${label}[${i}]`, 0, 0xffff))
    request
      .attribute(type, 4)
      .be16(low as number)
      .be16(high as number)
  },
  read: (reader, start) => [reader.u16(start, false), reader.u16(start + 2, false)]
}
