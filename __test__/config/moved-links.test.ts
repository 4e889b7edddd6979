/** Links that are moved, lent and brought back. */
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { ip, ipJson, pair } from './wire.ts'

test('a moved link is put back as it was: name, up, addresses, routes', async () => {
  using wire = await pair()
  using away = NetNs.createSync()
  ip(wire.left, 'address', 'add', 'fd00::1/64', 'dev', 'eth0', 'nodad')
  ip(wire.left, 'route', 'add', 'default', 'via', '10.0.0.2', 'metric', '5')
  ip(wire.left, 'route', 'add', '10.5.0.0/16', 'dev', 'eth0', 'src', '10.0.0.1', 'table', '99')
  const routes = () => [ip(wire.left, 'route'), ip(wire.left, 'route', 'show', 'table', '99')]
  const addresses = () => ipJson(wire.left, 'address', 'show', 'eth0')[0].addr_info
  const before = { routes: routes(), addresses: addresses().map(({ local }: { local: string }) => local) }
  const moved = await wire.left.links.move('eth0', away, { name: 'card0' })
  expect(moved.link.name).toBe('card0')
  expect(ipJson(wire.left, 'link').map(({ ifname }) => ifname)).toEqual(['lo'])
  const back = await moved.restore()
  expect(back).toMatchObject({ name: 'eth0', up: true })
  expect(routes()).toEqual(before.routes)
  expect(addresses().map(({ local }: { local: string }) => local)).toEqual(before.addresses)
})

test('a link comes back although nobody else holds the namespace that it was moved to', async () => {
  using wire = await pair()
  // A card's stand-in: the kernel would delete it with the namespace.
  await wire.left.links.add({
    kind: 'macvlan',
    name: 'm0',
    link: 'eth0',
    mode: 'source',
    sources: ['02:00:00:00:00:01']
  })
  await wire.left.addresses.add({ dev: 'm0', address: '10.7.0.1/24' })
  const away = NetNs.createSync()
  const moved = await wire.left.links.move('m0', away)
  away.close()
  expect(await moved.restore()).toMatchObject({ name: 'm0', info: { mode: 'source', sources: ['02:00:00:00:00:01'] } })
  expect((await wire.left.addresses.list({ dev: 'm0', family: 4 })).map(({ address }) => address)).toEqual([
    '10.7.0.1/24'
  ])
})

test('a link is not moved where its name is taken, and a borrowed one comes back even if its own is', async () => {
  using wire = await pair()
  using here = NetNs.createSync()
  ip(here, 'link', 'add', 'eth0', 'type', 'bridge')
  await expect(wire.left.links.move('eth0', here)).rejects.toMatchObject({ code: 'EEXIST' })
  expect(await wire.left.links.get('eth0')).toMatchObject({ up: true })
  {
    await using card = await here.links.borrow('eth0', wire.left, { name: 'card0' })
    expect(card.name).toBe('card0')
    ip(wire.left, 'link', 'add', 'eth0', 'type', 'bridge')
  }
  expect(await here.links.get('card0')).toBeUndefined()
  const names = ipJson(wire.left, 'address').map(({ ifname, addr_info }) => [ifname, addr_info[0]?.local])
  expect(names).toEqual(expect.arrayContaining([['eth00', '10.0.0.1']]))
})
