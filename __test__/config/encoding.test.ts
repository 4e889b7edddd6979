/**
 * Kinds whose modules a test machine may lack: what is sent for them is compared, byte by byte, with what iproute2 6.1
 * sent, recorded by strace. Kernels that have the modules take those messages.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decodeLink } from '../../lib/config/link.ts'
import { LINK_KINDS } from '../../lib/config/link-kinds.ts'
import { checkSpec, type LinkSpec, writeNewLink } from '../../lib/config/link-spec.ts'
import { type QdiscSpec, writeOptions } from '../../lib/config/qdisc-spec.ts'
import { messages, Reader } from '../../lib/wire/reader.ts'
import { Request } from '../../lib/wire/request.ts'

const recorded: Record<string, { command: string; message: string }> = JSON.parse(
  readFileSync(new URL('recorded.json', import.meta.url), 'utf8')
)

/** The bytes of an attribute behind a header of some length, as hexadecimal digits. */
function attribute(message: Uint8Array, header: number, type: number): string {
  const reader = new Reader(message)
  const found = reader.attributes(header, message.length).find((candidate) => candidate.type === type)
  return Buffer.from(message.subarray(found?.start, found?.end)).toString('hex')
}

function theirs(name: string): Uint8Array {
  return Buffer.from(recorded[name]?.message ?? '', 'hex')
}

const LINKS: Record<string, object> = {
  dummy: {},
  ifb: {},
  wireguard: {},
  vlan: { link: 3, protocol: '802.1ad', id: 5 },
  ipvlan: { link: 3, mode: 'l3s', flags: 'private' },
  vrf: { table: 1000 },
  bond: {
    ...{ mode: '802.3ad', miimon: 100, upDelay: 200, downDelay: 300, xmitHashPolicy: 'layer3+4', lacpRate: 'fast' },
    ...{ adSelect: 'bandwidth', minLinks: 1 }
  },
  bridge: {
    ...{ forwardDelay: 400, helloTime: 100, maxAge: 700, ageingTime: 1000, stp: true, priority: 9 },
    ...{ vlanFiltering: true, multicastSnooping: false }
  }
}

test.each(Object.entries(LINKS))('a %s is asked for in the bytes that iproute2 sends', (kind, options) => {
  const spec = { kind, name: 'new0', ...options } as LinkSpec
  const request = new Request()
  writeNewLink(request, spec, checkSpec(spec))
  expect(attribute(request.written, 32, 18)).toBe(attribute(theirs(kind), 32, 18))
})

/** Every further option, in iproute2's order. */
const OPTIONS: Record<string, object> = {
  'vlan-options': {
    ...{ kind: 'vlan', link: 3, protocol: '802.1Q', id: 7, flags: { reorderHeader: false, gvrp: true } },
    ...{ egressQosMap: { 1: 2, 3: 4 }, ingressQosMap: { 5: 6 } }
  },
  'bond-options': {
    ...{ kind: 'bond', mode: 'active-backup', miimon: 100, useCarrier: true, arpValidate: 'filter' },
    ...{ arpAllTargets: 'all', primaryReselect: 'better', failOverMac: 'active', resendIgmp: 2, numPeerNotif: 3 },
    ...{ allSlavesActive: true, lpInterval: 5, packetsPerSlave: 7, tlbDynamicLb: false, lacpActive: false },
    ...{ adUserPortKey: 9, adActorSysPrio: 11, adActorSystem: '02:00:00:00:00:01', peerNotifDelay: 200 },
    arpMissedMax: 4
  },
  'bond-arp': { kind: 'bond', mode: 'balance-rr', arpInterval: 100, arpIpTarget: ['10.0.0.1', '10.0.0.2'] },
  'bridge-options': {
    ...{ kind: 'bridge', multicastQueryUseIfaddr: true, multicastQuerier: true, multicastHashMax: 1024 },
    ...{ multicastLastMemberCount: 3, multicastStartupQueryCount: 4, multicastLastMemberInterval: 500 },
    ...{ multicastMembershipInterval: 26_000, multicastQueryInterval: 12_500, multicastStats: true },
    ...{ multicastIgmpVersion: 3, multicastMldVersion: 2, vlanStatsPerPort: true, options: { noLinkLocalLearn: true } }
  },
  'vxlan-options': { kind: 'vxlan', id: 9, df: 'set', port: 4789, learning: false },
  'macvlan-sources': { kind: 'macvlan', link: 3, mode: 'source', broadcastQueueLength: 77 },
  'macvlan-set': { kind: 'macvlan', link: 3, sources: ['02:00:00:00:00:01', '02:00:00:00:00:02'] },
  'gre-key': { kind: 'gre', key: 5, local: '10.0.0.1', remote: '10.0.0.2' }
}

/** The attributes of an option's message by their numbers; iproute2 writes some at their defaults too. */
function optionsIn(message: Uint8Array): Map<number, string> {
  const data = Buffer.from(attribute(Buffer.from(attribute(message, 32, 18), 'hex'), 0, 2), 'hex')
  const found = new Reader(data).attributes(0, data.length)
  return new Map(found.map(({ type, start, end }) => [type, data.toString('hex', start, end)]))
}

test.each(Object.entries(OPTIONS))('%s: each option is the same attribute as in what iproute2 sends', (name, spec) => {
  const request = new Request()
  const link = { name: 'new0', ...spec } as LinkSpec
  writeNewLink(request, link, checkSpec(link))
  const [ours, judge] = [optionsIn(request.written), optionsIn(theirs(name))]
  expect(ours.size).toBeGreaterThan(0)
  for (const [type, bytes] of ours) expect([type, bytes]).toEqual([type, judge.get(type)])
  const { kind: _kind, link: _link, key, ...options } = spec as Record<string, unknown>
  const reader = new Reader(theirs(name))
  const [message] = [...messages(reader)]
  const read = message && decodeLink(reader, message)
  expect(read?.info).toMatchObject(key === undefined ? options : { ...options, ikey: key, okey: key })
})

const TUNNELS: Record<string, object> = {
  gre: { local: '10.0.0.1', remote: '10.0.0.2', ttl: 9 },
  geneve: { id: 77, remote: '10.0.0.2', ttl: 4, port: 6082 }
}

test.each(Object.entries(TUNNELS))(
  'every option of a %s is the same attribute as in what iproute2 sends',
  (kind, options) => {
    const spec = { kind, name: 'new0', ...options } as LinkSpec
    const request = new Request()
    writeNewLink(request, spec, checkSpec(spec))
    const data = (message: Uint8Array) => attribute(Buffer.from(attribute(message, 32, 18), 'hex'), 0, 2)
    const own = Buffer.from(data(request.written), 'hex')
    for (const { type } of new Reader(own).attributes(0, own.length)) {
      // iproute2 writes options at their defaults too, before those that were asked for: ours have to be among its own.
      expect(attribute(own, 0, type)).toBe(attribute(Buffer.from(data(theirs(kind)), 'hex'), 0, type))
    }
  }
)

test.each([...Object.keys(LINKS), ...Object.keys(TUNNELS)])(
  'what iproute2 sends for a %s is read as it was meant',
  (kind) => {
    const reader = new Reader(theirs(kind))
    const [message] = [...messages(reader)]
    const link = message && decodeLink(reader, message)
    const { link: _link, ...options } = { ...LINKS[kind], ...TUNNELS[kind] } as { link?: number }
    expect(link).toMatchObject({ kind, name: 'new0', info: options })
  }
)

function options(spec: object): string {
  const request = new Request().begin(36, 0)
  writeOptions(request, { dev: 1, ...spec } as QdiscSpec)
  return attribute(request.written, 16, 2)
}

test('netem is asked for by the structure that iproute2 sends, and its times again in nanoseconds', () => {
  const ours = options({ kind: 'netem', limit: 900, delay: 50, jitter: 10, loss: 1, duplicate: 2 })
  const judge = attribute(theirs('netem'), 36, 2)
  expect(ours.slice(0, 48)).toBe(judge.slice(0, 48))
  const rest = Buffer.from(ours.slice(48), 'hex')
  expect([rest.readBigUInt64LE(4), rest.readBigUInt64LE(16)]).toEqual([50_000_000n, 10_000_000n])
})

test('fq_codel is asked for by the attributes that iproute2 sends', () => {
  const ours = options({ kind: 'fq_codel', limit: 900, flows: 512, quantum: 1000, target: 5, interval: 100, ecn: true })
  const sorted = (hex: string) => hex.match(/.{16}/g)?.sort()
  expect(sorted(ours)).toEqual(sorted(attribute(theirs('fq_codel'), 36, 2)))
})

test('tbf gets the limit, the buffer and the burst that iproute2 computes', () => {
  const ours = Buffer.from(options({ kind: 'tbf', rate: 8_000_000, burst: 10_000, latency: 50 }), 'hex')
  const judge = Buffer.from(attribute(theirs('tbf'), 36, 2), 'hex')
  expect(attribute(ours, 0, 1).slice(48, 64)).toBe(attribute(judge, 0, 1).slice(48, 64))
  expect(attribute(ours, 0, 6)).toBe(attribute(judge, 0, 6))
})

test('every kind in the table has distinct attributes', () => {
  for (const schema of Object.values(LINK_KINDS)) {
    const types = Object.values(schema).flatMap(({ type, type6 }) => (type6 === undefined ? [type] : [type, type6]))
    expect(new Set(types).size).toBe(types.length)
  }
})
