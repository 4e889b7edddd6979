/** What waits and what does not, by its name alone, does the same. */
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { strays } from '../helpers.ts'
import { type Method, type Part, WAYS, type Way } from './ways.ts'
import { pair } from './wire.ts'

/** What both ways have to do alike: everything with results, one after the other. */
const WORKS: Record<string, (way: Way, left: NetNs, right: NetNs) => Promise<unknown[]>> = {
  async links(way, left) {
    const links = way(left, 'links')
    const added = await links.add({
      kind: 'bridge',
      name: 'br0',
      mac: '02:00:00:00:00:07',
      up: true,
      alias: 'one'
    })
    const set = await links.set('br0', { mtu: 1400, info: { ageingTime: 500 } })
    const found = await links.get('br0')
    const listed = await links.list({ kind: 'bridge' })
    await links.delete(added)
    const told = [added, set, found, ...listed].map(({ name, kind, mtu, mac, alias, info }) => {
      return { name, kind, mtu, mac, alias, ageing: info.ageingTime }
    })
    return [told, await links.get('br0')]
  },
  async addresses(way, left) {
    const addresses = way(left, 'addresses')
    const many = Array.from({ length: 3 }, (_, i) => ({ dev: 'eth0', address: `10.7.${i}.1/24` }))
    await addresses.add({ dev: 'eth0', address: 'fd00::1/64', noDad: true })
    const added = await addresses.add(many)
    await addresses.replace({ dev: 'eth0', address: '10.7.0.1/24', validLifetime: 1000, preferredLifetime: 900 })
    await addresses.delete(many[1])
    const listed = await addresses.list({ dev: 'eth0', family: 4 })
    const flushed = await addresses.flush({ dev: 'eth0', family: 4 })
    return [added, listed.map(({ address }: { address: string }) => address), flushed]
  },
  async routes(way, left) {
    const routes = way(left, 'routes')
    const many = Array.from({ length: 700 }, (_, i) => ({ to: `10.${50 + (i >> 8)}.${i & 255}.0/24`, via: '10.0.0.2' }))
    // What is wrong with one is told in its place, by whoever finds it.
    many[3] = { to: 'nowhere', via: '10.0.0.2' }
    many[600] = { to: '10.99.0.0/16', via: '192.0.2.1' }
    const { done, failed } = await routes.add(many)
    await routes.add({ to: 'default', via: '10.0.0.2' })
    await routes.replace({ to: 'default', via: '10.0.0.2', mtu: 1300 })
    await routes.delete(many[0])
    const way_ = await routes.get('192.0.2.7')
    const listed = await routes.list({ dev: 'eth0' })
    const flushed = await routes.flush({ dev: 'eth0', family: 4 })
    return [done, failed, way_, listed, flushed]
  },
  async neighbours(way, left) {
    const neighbours = way(left, 'neighbours')
    const mac = '02:00:00:00:00:01'
    await neighbours.add({ dev: 'eth0', to: '10.0.0.9', mac })
    const added = await neighbours.add([
      { dev: 'eth0', to: '10.0.0.10', mac },
      { dev: 'none', to: '10.0.0.11', mac }
    ])
    await neighbours.replace({ dev: 'eth0', to: '10.0.0.9', mac: '02:00:00:00:00:02' })
    const listed = await neighbours.list({ dev: 'eth0', family: 4 })
    await neighbours.delete({ dev: 'eth0', to: '10.0.0.10' })
    return [added, listed.map(({ to, mac }: { to: string; mac: string }) => [to, mac]).toSorted()]
  },
  async rules(way, left) {
    const rules = way(left, 'rules')
    await rules.add({ fwmark: 1, table: 100, priority: 7 })
    await rules.add({ fwmark: 2, table: 100, priority: 8 })
    await rules.delete({ priority: 7 })
    return [await rules.list({ family: 4 }), await rules.flush(), await rules.list()]
  },
  async qdisc(way, left) {
    const qdisc = way(left, 'qdisc')
    return [await qdisc.list({ dev: 'eth0' })]
  },
  async sysctl(way, left) {
    const sysctl = way(left, 'sysctl')
    const name = 'net.ipv4.ip_forward'
    const before = await sysctl.get(name)
    await sysctl.set(name, 1)
    return [before, await sysctl.get(name)]
  }
}

test.each(Object.entries(WORKS))('%s: both ways do the same', async (_, work) => {
  const results = []
  for (const way of Object.values(WAYS)) {
    using wire = await pair()
    results.push(await work(way, wire.left, wire.right))
  }
  const [asynchronous, synchronous] = results.map(withoutIndexes)
  expect(synchronous).toEqual(asynchronous)
})

/** Indexes and hardware addresses differ from namespace to namespace. */
function withoutIndexes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, inner) => (key === 'index' ? undefined : plain(inner))))
}

function plain(value: unknown): unknown {
  return value instanceof Error ? { ...value, message: value.message, name: value.name } : value
}

/** What is refused here before the kernel is asked, by the kernel, and in words of our own. */
const REFUSALS: [part: Part, method: Method, ...args: unknown[]][] = [
  ['links', 'add', { kind: 'bridge', name: 'a name that is too long' }],
  ['links', 'add', { kind: 'bridge', name: 'lo' }],
  [
    'links',
    'add',
    { kind: 'veth', name: 'a', addresses: ['10.0.0.1/24'], peer: { name: 'b', addresses: ['1.2.3.4'] } }
  ],
  ['links', 'add', { kind: 'vlan', name: 'v5', link: 'none', id: 5 }],
  ['links', 'set', 'none', { up: true }],
  ['links', 'set', 'eth0', { mtu: 7 }],
  ['links', 'delete', 'none'],
  ['links', 'delete', 'lo'],
  ['addresses', 'add', { dev: 'eth0', address: '10.0.0.1/24' }],
  ['addresses', 'add', { dev: 'none', address: '10.0.0.1/24' }],
  ['addresses', 'delete', { dev: 'eth0', address: '10.3.0.1/24' }],
  ['addresses', 'list', { dev: 'none' }],
  ['addresses', 'flush', { dev: 'none' }],
  ['routes', 'add', { to: '10.0.0.0/8', via: '10.1.1.1' }],
  ['routes', 'add', { to: '10.0.0.0/8', via: '10.0.0.2', metric: -1 }],
  ['routes', 'add', undefined],
  ['routes', 'delete', { to: '10.88.0.0/16' }],
  ['routes', 'get', '192.0.2.1'],
  ['routes', 'list', null],
  ['neighbours', 'add', { dev: 'none', to: '10.0.0.9', mac: '02:00:00:00:00:01' }],
  ['neighbours', 'delete', { dev: 'eth0', to: '10.0.0.77' }],
  ['rules', 'add', { fwmark: 1 }],
  ['rules', 'delete', { priority: 77 }],
  ['qdisc', 'replace', { dev: 'none', kind: 'tbf', rate: 1_000_000 }],
  ['qdisc', 'delete', { dev: 'none' }],
  ['sysctl', 'get', 'net.none'],
  ['sysctl', 'set', 'net.ipv4.ip_forward', 'perhaps']
]

test.each(REFUSALS)('%s.%s is refused in the same words in both ways: %o', async (part, method, ...args) => {
  using wire = await pair()
  const errors = []
  for (const way of Object.values(WAYS)) {
    const outcome = (await way(wire.left, part)
      [method](...args)
      .catch((error: unknown) => error)) as Error
    expect(outcome).toBeInstanceOf(Error)
    errors.push({ ...outcome, name: outcome.name, message: outcome.message })
  }
  expect(errors[1]).toEqual(errors[0])
  expect(await wire.left.links.get('a')).toBeUndefined()
})

test.each(Object.entries(WAYS))(
  'what failed of many is told in their order, whoever refused it: %s',
  async (_, way) => {
    using wire = await pair()
    const taken = { to: '10.5.0.0/24', via: '10.0.0.2' }
    const kinds = [
      [undefined, (i: number) => ({ to: `10.6.${i}.0/24`, via: '10.0.0.2' })],
      ['ENETUNREACH', (i: number) => ({ to: `10.6.${i}.0/24`, via: '192.0.2.1' })],
      ['ERR_INVALID_ARG_VALUE', (i: number) => ({ to: `nowhere ${i}`, via: '10.0.0.2' })],
      ['EEXIST', () => taken],
      ['ENODEV', (i: number) => ({ to: `10.6.${i}.0/24`, dev: `none${i}` })]
    ] as const
    await wire.left.routes.add(taken)
    const many = Array.from({ length: 200 }, (_, i) => kinds[i % 5]?.[1](i))
    const { done, failed } = await way(wire.left, 'routes').add(many)
    expect(done).toBe(40)
    const wanted = many
      .map((_, item) => ({ item, code: kinds[item % 5]?.[0] }))
      .filter(({ code }) => code !== undefined)
    const told = (failed as { item: number; error: { code: string } }[]).map(({ item, error }) => ({
      item,
      code: error.code
    }))
    expect(told).toEqual(wanted)
  }
)

test('ids are given in both ways', async () => {
  using wire = await pair()
  expect(wire.left.setNsidSync(NetNs.createSync(), 42)).toBe(42)
  const other = NetNs.createSync()
  expect(wire.left.setNsidSync(other)).toBe(wire.left.nsid(other))
  expect(() => wire.left.setNsidSync(other, 7)).toThrow(expect.objectContaining({ code: 'EEXIST' }))
})

test('a synchronous call works inside another namespace, and leaves every thread where it was', () => {
  using ns = NetNs.createSync()
  using other = NetNs.createSync()
  const id = other.runSync(() => {
    // The socket is made in here, by a thread that is elsewhere.
    ns.links.addSync({ kind: 'bridge', name: 'br0', addresses: ['10.0.0.1/24'] })
    return NetNs.current().id
  })
  expect(id).toBe(other.id)
  expect(ns.links.listSync().map(({ name }) => name)).toEqual(['lo', 'br0'])
  expect(other.links.listSync().map(({ name }) => name)).toEqual(['lo'])
  expect(strays()).toEqual([])
})

test('a closed handle is refused at once', () => {
  const ns = NetNs.createSync()
  const { links, sysctl } = ns
  links.listSync()
  ns.close()
  const closed = expect.objectContaining({ code: 'ERR_NETNS_CLOSED' })
  expect(() => links.listSync()).toThrow(closed)
  expect(() => links.addSync({ kind: 'bridge', name: 'br0' })).toThrow(closed)
  expect(() => sysctl.getSync('net.ipv4.ip_forward')).toThrow(closed)
})
