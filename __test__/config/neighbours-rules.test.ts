import { NetNs, type RuleSpec } from 'node-netns'
import { expect, test } from 'vitest'
import { exists } from '../offline/users.mjs'
import { inside, ip, ipJson, pair } from './wire.ts'

test('neighbours, proxies and forwarding entries are what iproute2 sees', async () => {
  using wire = await pair()
  const { left } = wire
  await left.neighbours.add({ dev: 'eth0', to: '10.0.0.9', mac: '02:00:00:00:00:09' })
  await left.neighbours.add({ dev: 'eth0', to: 'fd00::9', mac: '02:00:00:00:00:0a', state: 'stale', router: true })
  await left.neighbours.add({ dev: 'eth0', to: '10.0.0.77', proxy: true })
  await left.links.add({ kind: 'vxlan', name: 'vx0', id: 5, port: 4789, local: '10.0.0.1' })
  await left.neighbours.add({ dev: 'vx0', mac: '02:00:00:00:00:0b', via: '10.0.0.2' })
  const told = ipJson(left, 'neighbour')
  expect(told.find(({ dst }) => dst === '10.0.0.9')).toMatchObject({
    lladdr: '02:00:00:00:00:09',
    state: ['PERMANENT']
  })
  expect(told.find(({ dst }) => dst === 'fd00::9')).toMatchObject({ state: ['STALE'] })
  expect(ipJson(left, 'neighbour', 'show', 'proxy')).toMatchObject([{ dst: '10.0.0.77', dev: 'eth0' }])
  expect(inside(left, 'bridge', 'fdb', 'show', 'dev', 'vx0')).toContain('02:00:00:00:00:0b dst 10.0.0.2 self permanent')
  expect(await left.neighbours.list({ dev: 'eth0', family: 4 })).toMatchObject([
    { to: '10.0.0.9', mac: '02:00:00:00:00:09', state: 'permanent', dev: 'eth0' }
  ])
  expect(await left.neighbours.list({ proxy: true })).toMatchObject([{ to: '10.0.0.77', proxy: true }])
  expect(await left.neighbours.list({ fdb: true, dev: 'vx0' })).toMatchObject([
    { mac: '02:00:00:00:00:0b', via: '10.0.0.2', family: undefined }
  ])
  await left.neighbours.replace({ dev: 'eth0', to: '10.0.0.9', mac: '02:00:00:00:00:0c' })
  expect(ip(left, 'neighbour', 'show', '10.0.0.9')).toContain('02:00:00:00:00:0c')
  await left.neighbours.delete({ dev: 'eth0', to: '10.0.0.9' })
  expect(ip(left, 'neighbour', 'show', '10.0.0.9')).toBe('')
  await expect(left.neighbours.delete({ dev: 'eth0', to: '10.0.0.9' })).rejects.toMatchObject({ code: 'ENOENT' })
})

/** Users that there are. */
const [firstUser, lastUser] = [5, 9].every(exists) ? [5, 9] : [0, 0]

const RULES: [RuleSpec, object][] = [
  [
    { priority: 10, fwmark: 1, table: 100 },
    { priority: 10, src: 'all', fwmark: '0x1', table: '100' }
  ],
  [
    { priority: 11, from: '10.0.0.0/8', to: '10.1.0.0/16', table: 1000 },
    { src: '10.0.0.0', srclen: 8, dst: '10.1.0.0' }
  ],
  [
    { priority: 12, iif: 'lo', uidRange: [firstUser, lastUser], table: 'main' },
    { iif: 'lo', uid_start: firstUser, uid_end: lastUser, table: 'main' }
  ],
  [
    { priority: 13, oif: 'eth9', action: 'unreachable' },
    { oif: 'eth9', action: 'unreachable' }
  ],
  [
    { priority: 14, from: 'fd00::/64', table: 7, not: true },
    { not: null, src: 'fd00::', srclen: 64, table: '7' }
  ],
  [
    { priority: 15, ipProtocol: 6, destinationPorts: [80, 90], table: 7 },
    { ipproto: 'tcp', dport_start: 80, dport_end: 90 }
  ]
]

test.each(RULES)('rule %o is what iproute2 sees, and is found and deleted again', async (spec, judge) => {
  using ns = NetNs.createSync()
  const family = spec.from?.includes(':') ? 6 : 4
  await ns.rules.add(spec)
  const told = ipJson(ns, `-${family}`, 'rule').find(({ priority }) => priority === spec.priority)
  expect(told).toMatchObject(judge)
  const found = (await ns.rules.list({ family })).find(({ priority }) => priority === spec.priority)
  const { table: _table, ...rest } = spec
  expect(found).toMatchObject(rest)
  await ns.rules.delete(spec)
  expect(ipJson(ns, `-${family}`, 'rule').some(({ priority }) => priority === spec.priority)).toBe(false)
})

test('flushing rules leaves the kernel’s own', async () => {
  using ns = NetNs.createSync()
  for (const priority of [5, 6, 7]) ip(ns, 'rule', 'add', 'priority', String(priority), 'table', '9')
  expect(await ns.rules.flush()).toBe(3)
  expect(ipJson(ns, 'rule').map(({ priority }) => priority)).toEqual([0, 32766, 32767])
})

test('ids are those that iproute2 shows, and are kept', async () => {
  using ns = NetNs.createSync()
  using peer = NetNs.createSync()
  using third = NetNs.createSync()
  expect(ns.nsid(peer)).toBeUndefined()
  expect(await ns.setNsid(peer, 42)).toBe(42)
  expect(ns.nsid(peer)).toBe(42)
  expect(ip(ns, 'netns', 'list-id')).toContain('nsid 42')
  await expect(ns.setNsid(peer, 43)).rejects.toMatchObject({ code: 'EEXIST' })
  await expect(ns.setNsid(third, 42)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(await ns.setNsid(third)).toBe(ns.nsid(third))
  expect(() => ns.nsid({} as NetNs)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }))
})
