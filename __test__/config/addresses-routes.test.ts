import { NetNs, type RouteSpec } from 'node-netns'
import { expect, test } from 'vitest'
import { ip, ipJson, pair } from './wire.ts'

test('addresses are what iproute2 sees, with every option', async () => {
  using ns = NetNs.createSync()
  await ns.links.add({ kind: 'bridge', name: 'br0', up: true })
  await ns.addresses.add({ dev: 'br0', address: '10.1.0.1/24', broadcast: '10.1.0.255', scope: 'link' })
  await ns.addresses.add({ dev: 'br0', address: '10.2.0.1/32', peer: '10.2.0.9/32' })
  await ns.addresses.add({ dev: 'br0', address: 'fd00::5/64', noDad: true, validLifetime: 900, preferredLifetime: 300 })
  const [told] = ipJson(ns, 'address', 'show', 'br0')
  const found = (local: string) => told.addr_info.find((info: { local: string }) => info.local === local)
  expect(found('10.1.0.1')).toMatchObject({ prefixlen: 24, broadcast: '10.1.0.255', scope: 'link' })
  expect(found('10.2.0.1')).toMatchObject({ address: '10.2.0.9', prefixlen: 32 })
  expect(found('fd00::5')).toMatchObject({ prefixlen: 64, nodad: true })
  const { valid_life_time, preferred_life_time } = found('fd00::5')
  // They are running.
  const begun = [valid_life_time, preferred_life_time].map((seconds: number) => Math.ceil(seconds / 100) * 100)
  expect(begun).toEqual([900, 300])
  const ours = await ns.addresses.list({ dev: 'br0', family: 4 })
  expect(ours).toMatchObject([
    { address: '10.1.0.1/24', broadcast: '10.1.0.255', scope: 'link', dev: 'br0', family: 4, flags: ['permanent'] },
    { address: '10.2.0.1/32', peer: '10.2.0.9/32', scope: 'global' }
  ])
  await ns.addresses.delete({ dev: 'br0', address: '10.1.0.1/24' })
  expect(await ns.addresses.flush({ dev: 'br0', family: 4 })).toBe(1)
  expect(ipJson(ns, '-4', 'address', 'show', 'br0')).toEqual([])
})

test('a flush takes addresses of both families, and those that go with others', async () => {
  using ns = NetNs.createSync()
  for (const name of ['br0', 'br1']) await ns.links.add({ kind: 'bridge', name })
  const addresses = ['10.1.0.1/24', '10.1.0.2/24', '10.2.0.1/32', 'fd00::5/64']
  for (const dev of ['br0', 'br1']) await ns.addresses.add(addresses.map((address) => ({ dev, address, noDad: true })))
  expect(await ns.addresses.flush({ dev: 'br0' })).toBe(4)
  expect(await ns.addresses.flush({ dev: 'br0' })).toBe(0)
  expect(ipJson(ns, 'address', 'show', 'br0')[0].addr_info).toEqual([])
  expect(ipJson(ns, 'address', 'show', 'br1')[0].addr_info).toHaveLength(4)
  await expect(ns.addresses.flush({ dev: 'br9' })).rejects.toMatchObject({ code: 'ENODEV' })
})

test('a flush takes routes of every sort that its filter means, and no others', async () => {
  using wire = await pair()
  await wire.left.addresses.add({ dev: 'eth0', address: 'fd00::1/64', noDad: true })
  const routes: RouteSpec[] = [
    { to: 'default', via: '10.0.0.2' },
    { to: '10.8.0.0/16', via: '10.0.0.2', metric: 7, mtu: 1200, src: '10.0.0.1' },
    { to: '10.8.0.0/16', dev: 'eth0', metric: 8 },
    { to: '10.8.1.0/24', nexthops: [{ via: '10.0.0.2', weight: 3 }, { dev: 'eth0' }] },
    { to: 'fd01::/64', via: 'fd00::2' },
    { to: 'fd02::/64', nexthops: [{ via: 'fd00::2' }, { via: 'fd00::3' }] },
    { to: '10.8.2.0/24', dev: 'lo' },
    { to: '10.8.3.0/24', type: 'blackhole' },
    { to: '10.8.4.0/24', dev: 'eth0', table: 100 }
  ]
  expect(await wire.left.routes.add(routes)).toEqual({ done: routes.length, failed: [] })
  const left = async () => {
    const all = await wire.left.routes.list({ table: 'all' })
    return all.filter(({ protocol }) => protocol !== 'kernel').map(({ to }) => to)
  }
  await wire.left.routes.flush({ dev: 'eth0', to: '10.8.0.0/16' })
  expect((await left()).sort()).toEqual(routes.flatMap(({ to }) => (to === '10.8.0.0/16' ? [] : [to])).sort())
  await wire.left.routes.flush({ dev: 'eth0' })
  expect((await left()).sort()).toEqual(['10.8.2.0/24', '10.8.3.0/24', '10.8.4.0/24'])
  expect(await wire.left.routes.flush({ table: 100 })).toBe(1)
  expect(await wire.left.routes.flush({ family: 4 })).toBe(2)
  expect(await left()).toEqual([])
  expect(ipJson(wire.left, 'route')).toMatchObject([{ dst: '10.0.0.0/24', protocol: 'kernel' }])
})

test('addresses that iproute2 gives are listed', async () => {
  using wire = await pair()
  ip(wire.left, 'address', 'add', '10.9.9.1/30', 'dev', 'eth0', 'label', 'eth0:x')
  ip(wire.left, 'address', 'add', 'fd00::9/120', 'dev', 'eth0', 'nodad')
  const list = await wire.left.addresses.list({ dev: 'eth0' })
  const told = ipJson(wire.left, 'address', 'show', 'eth0')[0].addr_info
  expect(list.map(({ address }) => address)).toEqual(
    told.map(({ local, prefixlen }: { local: string; prefixlen: number }) => `${local}/${prefixlen}`)
  )
  expect(list.find(({ address }) => address === '10.9.9.1/30')?.label).toBe('eth0:x')
})

const ROUTES: [RouteSpec, string][] = [
  [{ to: 'default', via: '10.0.0.2' }, 'default via 10.0.0.2 dev eth0 proto static'],
  [{ to: '10.8.0.0/16', via: '10.0.0.2', dev: 'eth0', metric: 7, mtu: 1200 }, 'metric 7 mtu 1200'],
  [{ to: '10.8.0.1', dev: 'eth0', src: '10.0.0.1' }, '10.8.0.1 dev eth0 proto static scope link src 10.0.0.1'],
  [{ to: '10.8.1.0/24', type: 'blackhole' }, 'blackhole 10.8.1.0/24 proto static'],
  [{ to: '10.8.1.0/24', type: 'unreachable', metric: 3 }, 'unreachable 10.8.1.0/24 proto static metric 3'],
  [{ to: '10.8.2.0/24', via: '192.0.2.1', dev: 'eth0', onlink: true }, 'via 192.0.2.1 dev eth0 proto static onlink'],
  [
    { to: '10.8.3.0/24', nexthops: [{ via: '10.0.0.2', weight: 3 }, { dev: 'eth0' }] },
    'nexthop via 10.0.0.2 dev eth0 weight 3'
  ],
  [{ to: '10.8.4.0/24', via: 'fe80::1', dev: 'eth0' }, 'via inet6 fe80::1 dev eth0'],
  [{ to: 'fd01::/32', via: 'fe80::1', dev: 'eth0' }, 'fd01::/32 via fe80::1 dev eth0 proto static'],
  [{ to: 'default', dev: 'eth0', family: 6 }, 'default dev eth0 proto static']
]

test.each(ROUTES)('route %o is what iproute2 sees, and is found and deleted again', async (spec, words) => {
  using wire = await pair()
  const family = spec.family === 6 || spec.to.includes(':') ? '-6' : '-4'
  const before = ip(wire.left, family, 'route')
  await wire.left.routes.add(spec)
  const told = ip(wire.left, family, 'route')
  expect(told.replaceAll(/\s+/g, ' ')).toContain(words)
  const found = (await wire.left.routes.list()).filter(
    ({ to, protocol }) => protocol === 'static' && (to === spec.to || to === `${spec.to}/32`)
  )
  expect(found).toHaveLength(1)
  for (const key of ['via', 'dev', 'metric', 'type', 'src', 'mtu', 'onlink'] as const) {
    if (spec[key] !== undefined) expect([key, found[0]?.[key]]).toEqual([key, spec[key]])
  }
  await wire.left.routes.delete(found[0] as RouteSpec)
  expect(ip(wire.left, family, 'route')).toBe(before)
})

test('routes of other tables, and those of one link or destination, are told apart', async () => {
  using wire = await pair()
  ip(wire.left, 'route', 'add', '10.7.0.0/16', 'dev', 'eth0', 'table', '1000')
  ip(wire.left, 'route', 'add', '10.6.0.0/16', 'dev', 'lo')
  expect((await wire.left.routes.list({ table: 1000 })).map(({ to }) => to)).toEqual(['10.7.0.0/16'])
  expect((await wire.left.routes.list({ dev: 'lo', family: 4 })).map(({ to }) => to)).toEqual(['10.6.0.0/16'])
  expect(await wire.left.routes.list({ to: '10.6.0.0/16' })).toHaveLength(1)
  expect((await wire.left.routes.list({ table: 'local', family: 4 })).every(({ table }) => table === 255)).toBe(true)
  expect(await wire.left.routes.get('10.0.0.2')).toMatchObject({ dev: 'eth0', src: '10.0.0.1' })
  await expect(wire.left.routes.get('8.8.8.8')).rejects.toMatchObject({ code: 'ENETUNREACH', syscall: 'netlink' })
  await wire.left.routes.add({ to: '10.0.9.0/24', via: '10.0.0.2' })
  await wire.left.routes.replace({ to: '10.0.9.0/24', via: '10.0.0.3' })
  expect((await wire.left.routes.list({ to: '10.0.9.0/24' }))[0]?.via).toBe('10.0.0.3')
})

test('an error says what was attempted and what the kernel said', async () => {
  using wire = await pair()
  const error = await wire.left.routes.add({ to: '10.0.0.0/8', via: '10.1.1.1', dev: 'eth0' }).catch((e) => e)
  expect(error).toMatchObject({ code: 'ENETUNREACH', errno: -101, syscall: 'netlink' })
  expect(error.message).toContain('cannot add route 10.0.0.0/8 via 10.1.1.1 dev eth0: Nexthop has invalid gateway')
  expect(error.stack).toContain('addresses-routes.test.ts')
  await expect(wire.left.routes.add({ to: '10.0.0.0/8', dev: 'nope' })).rejects.toMatchObject({
    code: 'ENODEV',
    message: expect.stringContaining("there is no link 'nope'")
  })
})

test('ten thousand addresses and routes, with a report on each that failed', async () => {
  using wire = await pair()
  const addresses = Array.from({ length: 10_000 }, (_, i) => ({
    dev: 'eth0',
    address: `10.${64 + (i >> 8)}.${i & 255}.1/32`
  }))
  expect(await wire.left.addresses.add(addresses)).toEqual({ done: 10_000, failed: [] })
  expect(await wire.left.addresses.list({ dev: 'eth0', family: 4 })).toHaveLength(10_001)
  const routes: RouteSpec[] = Array.from({ length: 10_000 }, (_, i) => ({
    to: `172.${16 + (i >> 12)}.${(i >> 4) & 255}.${(i & 15) << 4}/28`,
    via: '10.0.0.2'
  }))
  const spoilt = routes.with(3, { to: '172.16.0.1/28', via: '10.0.0.2' }).with(700, { to: '1.0.0.0/8', via: '9.9.9.9' })
  spoilt[9999] = { to: '1.0.0.0/8', dev: 'nope' }
  const result = await wire.left.routes.add(spoilt)
  expect(result.done).toBe(9997)
  expect(result.failed.map(({ item, error }) => [item, error.code])).toEqual([
    [3, 'ERR_INVALID_ARG_VALUE'],
    [700, 'ENETUNREACH'],
    [9999, 'ENODEV']
  ])
  expect(result.failed[0]?.error.message).toContain('"routes[3].to"')
  const listed = await wire.left.routes.list({ family: 4 })
  expect(new Set(listed.map(({ to }) => to))).toEqual(
    new Set(['10.0.0.0/24', ...spoilt.filter((_, i) => ![3, 700, 9999].includes(i)).map(({ to }) => to)])
  )
  expect(await wire.left.routes.flush({ dev: 'eth0', family: 4 })).toBe(9997)
})

test('items of a bulk are dealt with in their order, however many batches they take', async () => {
  using wire = await pair()
  const many = Array.from({ length: 3000 }, (_, i) => ({ to: '10.9.0.0/16', via: '10.0.0.2', mtu: 1000 + i }))
  expect(await wire.left.routes.replace(many)).toEqual({ done: 3000, failed: [] })
  expect(await wire.left.routes.list({ to: '10.9.0.0/16' })).toMatchObject([{ mtu: 3999 }])
})

test('a list of what belongs to a link takes its alternative name, and refuses one that there is not', async () => {
  using wire = await pair()
  const { left } = wire
  ip(left, 'link', 'property', 'add', 'dev', 'eth0', 'altname', 'the-wire-to-the-right')
  await left.routes.add({ to: '10.9.0.0/16', via: '10.0.0.2' })
  await left.neighbours.add({ dev: 'eth0', to: '10.0.0.9', mac: '02:00:00:00:00:09' })
  const lists = [left.routes, left.addresses, left.neighbours, left.qdisc]
  for (const list of lists) {
    const all: object[] = await list.list({ dev: 'eth0' })
    expect(all.length).toBeGreaterThan(0)
    // The kernel may have learnt of one more neighbour meanwhile.
    const alike: unknown = await list.list({ dev: 'the-wire-to-the-right' })
    expect(alike).toEqual(expect.arrayContaining(all))
    await expect(list.list({ dev: 'nope' })).rejects.toMatchObject({
      code: 'ENODEV',
      message: expect.stringContaining("there is no link 'nope'")
    })
  }
})

test('a long list keeps no timer waiting for long', async () => {
  using wire = await pair()
  const routes = Array.from({ length: 10_000 }, (_, i) => ({
    to: `10.${100 + (i >> 8)}.${i & 255}.0/24`,
    via: '10.0.0.2'
  }))
  await wire.left.routes.add(routes)
  await wire.left.routes.list()
  let turns = 0
  let going = true
  const count = () => {
    turns++
    if (going) setImmediate(count)
  }
  setImmediate(count)
  expect(await wire.left.routes.list({ family: 4 })).toHaveLength(10_001)
  going = false
  // Slices of half a millisecond: others had their turn again and again while the list was made.
  expect(turns).toBeGreaterThan(5)
})

test.each([
  { to: '10.0.0.0/33', dev: 'lo' },
  { to: '10.0.0.1/24', dev: 'lo' },
  { to: 'example.com', dev: 'lo' },
  { to: '10.0.0.0/8', via: 'fd00::1/64' },
  { to: 'fd00::/64', via: '10.0.0.1' },
  { to: '10.0.0.0/8', dev: 'lo', metric: -1 },
  { to: '10.0.0.0/8', dev: 'lo', type: 'sideways' },
  { to: '10.0.0.0/8', dev: 'lo', src: 'fd00::1' },
  { to: '10.0.0.0/8', dev: 'lo', table: 'nosuch' },
  { to: '10.0.0.0/8', dev: 'sixteen-bytes-xx\0' },
  { to: '10.0.0.0/8', dev: 'lo', nexthops: [{ dev: 'lo' }] },
  { to: '10.0.0.1' },
  { to: 'fd00::1', metric: 5 },
  { to: '10.0.0.0/8', nexthops: [{ via: 'fd00::1/64' }] }
])('route %o is refused before the kernel is asked', async (spec) => {
  using ns = NetNs.createSync()
  await expect(ns.routes.add(spec)).rejects.toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' })
})
