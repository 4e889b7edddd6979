import { isIPv4, isIPv6 } from 'node:net'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeAddress } from '../../lib/config/address.ts'
import { decodeLink } from '../../lib/config/link.ts'
import { decodeNeighbour } from '../../lib/config/neighbour.ts'
import { decodeId } from '../../lib/config/nsid.ts'
import { decodeRoute } from '../../lib/config/route.ts'
import { decodeRule } from '../../lib/config/rule.ts'
import { formatIp, formatPrefix, parse, parsed } from '../../lib/wire/address.ts'
import { messages, Reader } from '../../lib/wire/reader.ts'

const names = new Map([[1, 'lo']])
const DECODERS = [
  decodeLink,
  (reader: Reader, message: Parameters<typeof decodeLink>[1]) => decodeAddress(reader, message, names),
  (reader: Reader, message: Parameters<typeof decodeLink>[1]) => decodeRoute(reader, message, names),
  (reader: Reader, message: Parameters<typeof decodeLink>[1]) => decodeNeighbour(reader, message, names),
  decodeRule,
  decodeId
]

function decodeEverything(bytes: Uint8Array): number {
  const reader = new Reader(bytes)
  let count = 0
  for (const message of messages(reader)) {
    count++
    if (message.end > bytes.length) expect.unreachable(`a message ends at ${message.end} of ${bytes.length}`)
    for (const decode of DECODERS) decode(reader, message)
  }
  return count
}

/** An attribute whose length may lie, holding more of its kind: nested, cut short, empty, huge. */
const attribute = fc
  .record({
    type: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 0xffff })),
    value: fc.uint8Array({ maxLength: 40 }),
    lie: fc.option(fc.integer({ min: 0, max: 0xffff }), { freq: 4, nil: undefined })
  })
  .map(({ type, value, lie }) => {
    const bytes = Buffer.alloc((value.length + 7) & ~3)
    bytes.writeUInt16LE(lie ?? value.length + 4, 0)
    bytes.writeUInt16LE(type, 2)
    bytes.set(value, 4)
    return bytes
  })

const nested = fc.array(attribute, { maxLength: 5 }).chain((inner) =>
  fc.integer({ min: 0, max: 60 }).map((type) => {
    const body = Buffer.concat(inner)
    const header = Buffer.alloc(4)
    header.writeUInt16LE(body.length + 4, 0)
    header.writeUInt16LE(type | 0x8000, 2)
    return Buffer.concat([header, body])
  })
)

const message = fc
  .record({
    type: fc.constantFrom(16, 17, 20, 21, 24, 25, 28, 29, 32, 33, 88, 89),
    family: fc.constantFrom(0, 2, 7, 10, 255),
    header: fc.constantFrom(0, 4, 8, 12, 16),
    attributes: fc.array(fc.oneof(attribute, nested), { maxLength: 8 }),
    cut: fc.integer({ min: 0, max: 12 }),
    lie: fc.option(fc.integer({ min: 0, max: 0xffff_ffff }), { freq: 6, nil: undefined })
  })
  .map(({ type, family, header, attributes, cut, lie }) => {
    const body = Buffer.concat([Buffer.alloc(header), ...attributes])
    if (header > 0) body[0] = family
    const whole = Buffer.concat([Buffer.alloc(16), body])
    const bytes = whole.subarray(0, Math.max(16, whole.length - cut))
    bytes.writeUInt32LE(lie ?? bytes.length, 0)
    bytes.writeUInt16LE(type, 4)
    return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)])
  })

test('messages that lie, nest, are cut short or go on for ever are read to an end', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), (parts) => {
      const bytes = Buffer.concat(parts)
      expect(decodeEverything(bytes)).toBeLessThanOrEqual(bytes.length / 16)
    }),
    { numRuns: 3000 }
  )
})

test('any bytes are read to an end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void decodeEverything(bytes)),
    { numRuns: 3000 }
  )
})

test('addresses are parsed and written as Node and the URL standard do', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      parse(text, 'address', 'none')
      expect(`[${formatIp(parsed.bytes, 0, 16)}]`.replace('::ffff:', '::ffff:')).toSatisfy((own: string) => {
        // The URL standard writes an IPv4-mapped address in hexadecimal groups.
        return new URL(`http://${own}`).hostname === new URL(`http://[${text}]`).hostname && isIPv6(own.slice(1, -1))
      })
    }),
    { numRuns: 3000 }
  )
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      parse(text, 'address', 'none')
      expect(formatIp(parsed.bytes, 0, 4)).toBe(text)
    })
  )
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 0, max: 255 }), (text, prefix) => {
      parse(text, 'address', 'none')
      const { bytes, size } = parsed
      expect(formatPrefix(bytes, 0, size, prefix)).toBe(`${formatIp(bytes, 0, size)}/${prefix}`)
    })
  )
})

test('what Node does not take for an address is refused, and nothing else', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789abcdefg:.%'), maxLength: 20 })
  fc.assert(
    fc.property(digits, (text) => {
      let taken = true
      try {
        parse(text, 'address', 'none')
      } catch (error) {
        if ((error as { code?: string }).code !== 'ERR_INVALID_ARG_VALUE') throw error
        taken = false
      }
      return taken === (isIPv4(text) || (isIPv6(text) && !text.includes('%')))
    }),
    { numRuns: 20_000 }
  )
})
