/** Whatever comes in, nothing breaks. */
import { isIPv6, SocketAddress } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHosts } from '../../lib/dns/hosts.ts'
import { readName, toQuestion } from '../../lib/dns/names.ts'
import { BINDINGS } from '../../lib/dns/records.ts'
import { parseResolvConf } from '../../lib/dns/resolv-conf.ts'
import { hexDigits, reverseName } from '../../lib/dns/reverse.ts'
import { ask, type RecordType, read, TYPES, withId } from '../../lib/dns/wire.ts'
import { anyText } from '../any-text.ts'
import { a, reply } from './name-server.ts'

const ID = 4711
const TYPE_NAMES = Object.keys(TYPES) as RecordType[]
const TYPES_THERE = ['A', 'MX', 'TXT', 'CAA', 'SRV', 'NAPTR']
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((each) => Buffer.from(each))

/** Reads a packet as every question would, shapes it as every method would. */
function readAll(packet: Buffer, name: string, type: RecordType): void {
  const verdict = read(packet, ask(name, type), ID)
  if (typeof verdict === 'string') return
  for (const { shape } of Object.values(BINDINGS)) shape(verdict.answers, name)
}

describe('a packet', () => {
  it('of any octets is read or refused', () => {
    fc.assert(
      fc.property(bytes(600), fc.constantFrom(...TYPE_NAMES), (packet, type) => readAll(packet, 'x.test', type))
    )
  })

  it('with the right header and any records is read or refused', () => {
    const record = fc.record({ type: fc.constantFrom(...TYPE_NAMES), data: bytes(80), name: bytes(12), lie: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), fc.constantFrom(...TYPE_NAMES), (records, type) => {
        const packet = withId(ask('x.test', type), ID)
        packet.writeUInt16BE(0x8180, 2)
        packet.writeUInt16BE(records.length, 6)
        const written = records.map(({ type: each, data, name, lie }) => {
          const fixed = Buffer.alloc(10)
          fixed.writeUInt16BE(TYPES[each])
          fixed.writeUInt16BE(1, 2)
          // Mostly the right length, to get past the first check.
          fixed.writeUInt16BE(lie === 0 ? data.length + 1 : data.length, 8)
          return Buffer.concat([lie < 5 ? Buffer.of(0xc0, 12) : name, fixed, data])
        })
        readAll(Buffer.concat([packet, ...written]), 'x.test', type)
      }),
      { numRuns: 3000 }
    )
  })

  it('with some octets changed, or cut off anywhere, is read or refused', () => {
    const answers = [
      a('x.test', '192.0.2.1'),
      { type: 'MX', name: 'x.test', data: { preference: 1, exchange: 'm.test' } },
      { type: 'TXT', name: 'x.test', data: ['hello', 'world'] },
      { type: 'CAA', name: 'x.test', data: { flags: 0, tag: 'issue', value: 'ca.test' } },
      { type: 'SRV', name: 'x.test', data: { priority: 1, weight: 2, port: 3, target: 's.test' } },
      {
        type: 'NAPTR',
        name: 'x.test',
        data: { order: 1, preference: 2, flags: 's', services: 'x', regexp: 'y', replacement: 'z.test' }
      }
    ]
    const good = reply(withId(ask('x.test', 'ANY'), ID), { answers })
    expect(read(good, ask('x.test', 'ANY'), ID)).toMatchObject({ answers: TYPES_THERE.map((type) => ({ type })) })
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat(good.length), (changes, length) => {
        const packet = Buffer.from(good.subarray(0, length))
        for (const [at, value] of changes) if (at < packet.length) packet.writeUInt8(value, at)
        readAll(packet, 'x.test', 'ANY')
      }),
      { numRuns: 3000 }
    )
  })

  it('of the greatest size, all pointers, is refused soon', () => {
    const packet = Buffer.alloc(65535)
    withId(ask('x.test', 'A'), ID).copy(packet)
    packet.writeUInt16BE(0x8180, 2)
    packet.writeUInt16BE(0xffff, 6)
    for (let at = 24; at < 65534; at += 2) packet.writeUInt16BE(0xc000 | Math.min(at - 2, 0x3fff), at)
    const before = performance.now()
    expect(read(packet, ask('x.test', 'A'), ID)).toBe('malformed')
    expect(performance.now() - before).toBeLessThan(1000)
  })
})

describe('a name', () => {
  it('is written as it is asked, or is none', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), anyText), (name) => {
        const question = toQuestion(name)
        if (question === undefined) return
        const { packet, end } = ask(question, 'A')
        expect(readName(packet, 12)).toEqual({ name: question, end: end - 4 })
        expect(packet.length).toBe(end)
      })
    )
  })

  it('of no octets is slow or endless', () => {
    fc.assert(
      fc.property(bytes(300), fc.nat(300), (packet, start) => {
        try {
          expect(readName(packet, start).end).toBeLessThanOrEqual(packet.length)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      })
    )
  })

  it('of an address has each of its digits', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const digits = hexDigits(address)
        expect(digits).toMatch(/^[\da-f]{32}$/)
        const back = (digits.match(/.{4}/g) ?? []).join(':')
        const canonical = (each: string) => new SocketAddress({ address: each, family: 'ipv6' }).address
        expect(isIPv6(back) && canonical(back)).toBe(canonical(address))
        expect(reverseName(address)).toBe(`${[...digits].reverse().join('.')}.ip6.arpa`)
      })
    )
  })
})

describe('a file', () => {
  it('of any text is read', () => {
    const word = fc.oneof(
      fc.constantFrom(
        'nameserver',
        'search',
        'options',
        'domain',
        '#',
        ';',
        'ndots:',
        'timeout:99999999999',
        '[::1]:0'
      ),
      fc.ipV4(),
      fc.ipV6(),
      fc.string()
    )
    const text = fc.array(fc.tuple(word, word, word, fc.constantFrom(' ', '\t', '\n')).map((words) => words.join(' ')))
    fc.assert(
      fc.property(text, (lines) => {
        const conf = parseResolvConf(lines.join('\n'))
        expect(conf.servers.length).toBeGreaterThan(0)
        for (const { port } of conf.servers) expect(port > 0 && port < 65536).toBe(true)
        parseHosts(lines.join('\n')).addresses('x')
      })
    )
  })

  it('of resolv.conf means what resolv.conf(5) says', () => {
    const conf = parseResolvConf(
      [
        '; comment',
        'nameserver 192.0.2.1 # rest',
        'nameserver 2001:db8::1',
        'nameserver fe80::1%eth0',
        'nameserver 192.0.2.1',
        'nameserver nobody',
        '#nameserver 192.0.2.9',
        'domain first.test',
        'search a.test b.test.',
        'options ndots:99 timeout:7 attempts:9 rotate use-vc',
        'options edns0 trust-ad single-request no-aaaa unknown ndots:x'
      ].join('\n')
    )
    expect(conf).toMatchObject({
      search: ['a.test', 'b.test'],
      ndots: 1,
      timeout: 7000,
      attempts: 5,
      rotate: true,
      useVc: true,
      edns0: true,
      trustAd: true,
      singleRequest: true,
      noAaaa: true
    })
    expect(conf.servers.map(({ address }) => address)).toEqual(['192.0.2.1', '2001:db8::1', 'fe80::1%eth0'])
  })
})
