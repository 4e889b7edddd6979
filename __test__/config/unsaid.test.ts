/** What is `undefined` is not given, as in Node: whoever passes on options of their own need not leave any out. */
import {
  type AddressFilter,
  type AddressSpec,
  type CommonLinkSpec,
  type LinkChanges,
  type LinkFilter,
  type MonitorOptions,
  type NeighbourFilter,
  type NeighbourSpec,
  NetNs,
  type Nexthop,
  type QdiscSpec,
  type ReadyOptions,
  type RouteFilter,
  type RouteQuery,
  type RouteSpec,
  type RuleSpec,
  type UplinkOptions,
  type VethPeer,
  type WireGuardPeerSpec,
  type WireGuardSpec
} from 'node-netns'
import { expect, test } from 'vitest'
import { writeOptions } from '../../lib/config/qdisc-spec.ts'
import { writeWireGuard } from '../../lib/config/wireguard-spec.ts'
import { Request } from '../../lib/wire/request.ts'
import { pair } from './wire.ts'

type OptionalKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]
/** Every property that may be left out, so that a new one is not forgotten here. */
type Unsaid<T> = { [K in OptionalKeys<T>]-?: undefined }

const link: Unsaid<CommonLinkSpec> = {
  ...{ mac: undefined, mtu: undefined, up: undefined, alias: undefined, master: undefined, txQueueLength: undefined },
  ...{ link: undefined, linkNetns: undefined, addresses: undefined }
}
const peer: Unsaid<VethPeer> = {
  ...{ name: undefined, netns: undefined, mac: undefined, mtu: undefined, up: undefined, addresses: undefined }
}
const changes: Unsaid<LinkChanges> = {
  ...{ up: undefined, mtu: undefined, mac: undefined, name: undefined, alias: undefined, master: undefined },
  ...{ promiscuous: undefined, txQueueLength: undefined, group: undefined, info: undefined }
}
const address: Unsaid<AddressSpec> = {
  ...{ peer: undefined, broadcast: undefined, scope: undefined, noDad: undefined, noPrefixRoute: undefined },
  ...{ validLifetime: undefined, preferredLifetime: undefined, metric: undefined, label: undefined }
}
const nexthop: Unsaid<Nexthop> = { via: undefined, dev: undefined, weight: undefined, onlink: undefined }
const route: Unsaid<RouteSpec> = {
  ...{ via: undefined, dev: undefined, src: undefined, metric: undefined, table: undefined, type: undefined },
  ...{
    scope: undefined,
    protocol: undefined,
    onlink: undefined,
    mtu: undefined,
    nexthops: undefined,
    family: undefined
  }
}
const neighbour: Unsaid<NeighbourSpec> = {
  ...{ to: undefined, mac: undefined, state: undefined, proxy: undefined, router: undefined, master: undefined },
  ...{ vlan: undefined, via: undefined }
}
const rule: Unsaid<RuleSpec> = {
  ...{ priority: undefined, from: undefined, to: undefined, fwmark: undefined, fwmask: undefined, iif: undefined },
  ...{ oif: undefined, uidRange: undefined, table: undefined, action: undefined, suppressPrefixLength: undefined },
  ...{ not: undefined, ipProtocol: undefined, sourcePorts: undefined, destinationPorts: undefined, family: undefined }
}

test('in what is added and changed', async () => {
  using wire = await pair()
  const ns = wire.left
  const there = await ns.links.add({ ...link, kind: 'veth', name: 'a', peer: { ...peer, name: 'b' } })
  expect(await ns.links.set('a', changes)).toMatchObject({ name: 'a', mtu: there.mtu, mac: there.mac, up: false })
  await ns.links.set('a', { ...changes, up: true })
  await ns.links.set('b', { up: true })
  await ns.addresses.add({ ...address, dev: 'a', address: '10.1.0.1/24' })
  await ns.routes.add({ ...route, to: '10.2.0.0/16', via: '10.1.0.2' })
  await ns.routes.add({
    ...route,
    to: '10.3.0.0/16',
    nexthops: [
      { ...nexthop, dev: 'a' },
      { ...nexthop, dev: 'eth0' }
    ]
  })
  await ns.neighbours.add({ ...neighbour, dev: 'a', to: '10.1.0.3', mac: '02:00:00:00:00:03' })
  await ns.rules.add({ ...rule, fwmark: 7, table: 100 })
  expect(await ns.addresses.list({ dev: 'a', family: 4 })).toMatchObject([{ address: '10.1.0.1/24', scope: 'global' }])
  expect(await ns.routes.list({ to: '10.2.0.0/16' })).toMatchObject([{ via: '10.1.0.2', dev: 'a', protocol: 'static' }])
  expect(await ns.routes.list({ to: '10.3.0.0/16' })).toMatchObject([
    {
      nexthops: [
        { dev: 'a', weight: 1 },
        { dev: 'eth0', weight: 1 }
      ]
    }
  ])
  expect(await ns.neighbours.list({ dev: 'a' })).toContainEqual(
    expect.objectContaining({ to: '10.1.0.3', state: 'permanent' })
  )
  expect(await ns.rules.list()).toContainEqual(expect.objectContaining({ fwmark: 7, table: 100, action: 'lookup' }))
  await ns.rules.delete({ ...rule, fwmark: 7, table: 100 })
  await ns.neighbours.delete({ ...neighbour, dev: 'a', to: '10.1.0.3' })
  await ns.routes.delete({ ...route, to: '10.2.0.0/16' })
  const moved = await ns.links.move('a', wire.right, { name: undefined })
  expect(moved.link.name).toBe('a')
  expect((await moved.restore()).name).toBe('a')
})

test('in what is asked for', async () => {
  using wire = await pair()
  const ns = wire.left
  const links: Unsaid<LinkFilter> = { kind: undefined, master: undefined, up: undefined }
  const addresses: Unsaid<AddressFilter> = { dev: undefined, family: undefined }
  const routes: Unsaid<RouteFilter> = { table: undefined, family: undefined, dev: undefined, to: undefined }
  const neighbours: Unsaid<NeighbourFilter> = { dev: undefined, family: undefined, proxy: undefined, fdb: undefined }
  const query: Unsaid<RouteQuery> = { from: undefined, dev: undefined, mark: undefined }
  const names = async (filter?: LinkFilter) => (await ns.links.list(filter)).map(({ name }) => name)
  expect(await names(links)).toEqual(await names())
  // The kernel adds some of IPv6 while this looks.
  const having = (item: object) => expect.arrayContaining([expect.objectContaining({ dev: 'eth0', ...item })])
  expect(await ns.addresses.list(addresses)).toEqual(having({ address: '10.0.0.1/24' }))
  expect(await ns.routes.list(routes)).toEqual(having({ to: '10.0.0.0/24' }))
  await ns.neighbours.add({ to: '10.0.0.7', dev: 'eth0', mac: '02:00:00:00:00:07' })
  expect(await ns.neighbours.list(neighbours)).toEqual(having({ to: '10.0.0.7' }))
  expect((await ns.routes.get('10.0.0.2', query)).dev).toBe('eth0')
  const ready: Unsaid<ReadyOptions> = { timeout: undefined, signal: undefined, to: undefined }
  await ns.waitReady(ready)
  const monitored: Unsaid<MonitorOptions> = { groups: undefined, signal: undefined, buffer: undefined }
  const events = ns.monitor(monitored)
  const next = events.next()
  await ns.links.set('eth0', { alias: 'other' })
  expect((await next).value).toMatchObject({ type: 'change', group: 'link', value: { alias: 'other' } })
  await events.return?.()
  const uplink: Unsaid<UplinkOptions> = {
    ...{ to: undefined, dev: undefined, subnet: undefined, name: undefined, nameservers: undefined }
  }
  // Home has no way out in these tests, which is found after the options were.
  await expect(ns.uplink(uplink)).rejects.toMatchObject({ code: 'ENETUNREACH' })
})

test('in what this machine may lack the modules for', async () => {
  const queues: [QdiscSpec, object][] = [
    [
      { dev: 1, kind: 'tbf', rate: 1e6 },
      { burst: undefined, latency: undefined }
    ],
    [
      { dev: 1, kind: 'htb', rate: 1e6 },
      { ceil: undefined, burst: undefined }
    ],
    [
      { dev: 1, kind: 'netem' },
      {
        ...{ delay: undefined, jitter: undefined, loss: undefined, duplicate: undefined, corrupt: undefined },
        ...{ reorder: undefined, rate: undefined, limit: undefined }
      }
    ],
    [
      { dev: 1, kind: 'fq_codel' },
      {
        ...{ target: undefined, interval: undefined, limit: undefined, flows: undefined, quantum: undefined },
        ecn: undefined
      }
    ]
  ]
  for (const [spec, unsaid] of queues) {
    const [said, more] = [new Request(), new Request()]
    writeOptions(said, spec)
    writeOptions(more, { ...spec, ...unsaid })
    expect(Buffer.from(more.written)).toEqual(Buffer.from(said.written))
  }
  const publicKey = Buffer.alloc(32, 1).toString('base64')
  const guarded: Unsaid<WireGuardPeerSpec> = {
    ...{ remove: undefined, updateOnly: undefined, presharedKey: undefined, endpoint: undefined },
    ...{ persistentKeepalive: undefined, allowedIps: undefined, replaceAllowedIps: undefined }
  }
  const guard: Unsaid<WireGuardSpec> = {
    ...{ privateKey: undefined, listenPort: undefined, fwmark: undefined, peers: undefined, replacePeers: undefined }
  }
  const said = await writeWireGuard(1, 'wg0', { peers: [{ publicKey }] })
  const more = await writeWireGuard(1, 'wg0', { ...guard, peers: [{ ...guarded, publicKey }] })
  expect(Buffer.from(more.written)).toEqual(Buffer.from(said.written))
})

test('in how namespaces are made and named', async () => {
  using ns = await NetNs.create({ name: undefined, loopback: undefined, directory: undefined })
  expect([ns.name, (await ns.links.get('lo'))?.up]).toEqual([undefined, true])
  await ns.attach('unsaid', { directory: undefined })
  expect(await ns.names({ directory: undefined })).toEqual(['unsaid'])
  const events = NetNs.watch({ signal: undefined, directory: undefined })
  const next = events.next()
  await NetNs.delete('unsaid', { force: undefined, directory: undefined })
  expect((await next).value).toEqual({ type: 'delete', name: 'unsaid' })
  await events.return?.()
  expect(() => ns.enterThread({ force: undefined })).toThrow(expect.objectContaining({ code: 'ERR_NETNS_MAIN_THREAD' }))
})
