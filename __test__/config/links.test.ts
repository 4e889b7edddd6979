/** Links that are made, listed, changed and deleted. */
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { exists } from '../offline/users.mjs'
import { ip, ipJson, pair, tunRefusal } from './wire.ts'

test('a veth is made with both its ends in their namespaces, and nothing in the caller’s', async () => {
  using home = NetNs.current()
  const before = ipJson(home, 'link').length
  using wire = await pair()
  const [mine] = ipJson(wire.left, 'address', 'show', 'eth0')
  const [theirs] = ipJson(wire.right, 'address', 'show', 'eth0')
  expect([mine.linkinfo.info_kind, mine.operstate, theirs.operstate]).toEqual(['veth', 'UP', 'UP'])
  expect(mine.addr_info[0]).toMatchObject({ local: '10.0.0.1', prefixlen: 24 })
  expect(theirs.addr_info[0]).toMatchObject({ local: '10.0.0.2', prefixlen: 24 })
  expect(ipJson(home, 'link')).toHaveLength(before)
})

/** A user that there is, and what iproute2 calls this one. */
const [owner, called] = exists(12) ? [12, 12] : [0, 'root']

const KINDS: Record<string, { options: object; info: object; ip: object }> = {
  bridge: {
    options: { stp: true, forwardDelay: 400, multicastQueryInterval: 9000, options: { noLinkLocalLearn: true } },
    info: { stp: true, forwardDelay: 400, multicastQueryInterval: 9000, options: { noLinkLocalLearn: true } },
    ip: { stp_state: 1, forward_delay: 400, mcast_query_intvl: 9000, no_linklocal_learn: 1 }
  },
  macvlan: { options: { link: 'eth0', mode: 'bridge' }, info: { mode: 'bridge' }, ip: { mode: 'bridge' } },
  macvtap: { options: { link: 'eth0', mode: 'vepa' }, info: { mode: 'vepa' }, ip: { mode: 'vepa' } },
  vxlan: {
    options: { id: 7, port: 4789, local: '10.0.0.1', group: '239.1.1.1', dev: 'eth0', ttl: 3 },
    info: { id: 7, port: 4789, local: '10.0.0.1', group: '239.1.1.1', ttl: 3 },
    ip: { id: 7, port: 4789, local: '10.0.0.1', group: '239.1.1.1', ttl: 3 }
  },
  ifb: { options: {}, info: {}, ip: {} },
  tun: { options: { owner }, info: { type: 'tun', owner }, ip: { type: 'tun', user: called } },
  tap: { options: {}, info: { type: 'tap', persist: true }, ip: { type: 'tap', persist: true } }
}

test.each(Object.entries(KINDS))(
  'a %s is what iproute2 sees of it, field by field',
  async (kind, { options, info, ip: seen }) => {
    using wire = await pair()
    const spec = { kind, name: 'new0', mtu: 1400, alias: 'for a test', ...options } as Parameters<
      NetNs['links']['add']
    >[0]
    if (tunRefusal !== undefined && (kind === 'tun' || kind === 'tap')) {
      // The machine does not let this user, or anybody, have one.
      await expect(wire.left.links.add(spec)).rejects.toMatchObject(tunRefusal)
      expect(await wire.left.links.get('new0')).toBeUndefined()
      return
    }
    const link = await wire.left.links.add(spec)
    const [told] = ipJson(wire.left, 'link', 'show', 'new0')
    expect(told.linkinfo.info_kind).toBe(kind === 'tap' ? 'tun' : kind)
    for (const [name, value] of Object.entries(seen)) expect(String(told.linkinfo.info_data[name])).toBe(String(value))
    expect(link).toMatchObject({
      kind,
      info,
      index: told.ifindex,
      mtu: 1400,
      state: told.operstate,
      alias: 'for a test'
    })
    expect(link.mac).toBe(kind === 'tun' ? undefined : told.address)
    await wire.left.links.delete(link)
    expect(await wire.left.links.get('new0')).toBeUndefined()
  }
)

test('what iproute2 makes is listed with the same fields', async () => {
  using ns = NetNs.createSync()
  ip(ns, 'link', 'add', 'br7', 'address', '02:00:00:00:00:07', 'mtu', '1300', 'type', 'bridge', 'ageing_time', '500')
  ip(ns, 'link', 'add', 'v0', 'master', 'br7', 'type', 'veth', 'peer', 'name', 'v1')
  ip(ns, 'link', 'set', 'v0', 'up', 'alias', 'the port', 'txqueuelen', '77', 'group', '9')
  ip(ns, 'link', 'property', 'add', 'dev', 'v0', 'altname', 'a-rather-long-alternative-name')
  const links = await ns.links.list()
  const told = ipJson(ns, '-s', 'link')
  expect(links.map((link) => link.name)).toEqual(told.map((link) => link.ifname))
  for (const [i, link] of links.entries()) {
    const judge = told[i]
    expect(link).toMatchObject({ index: judge.ifindex, mtu: judge.mtu, state: judge.operstate, qdisc: judge.qdisc })
    expect(link.txQueueLength).toBe(judge.txqlen ?? 0)
    expect(link.stats['rxPackets']).toBe(BigInt(judge.stats64.rx.packets))
    expect(link.flags).toEqual(
      expect.arrayContaining(judge.flags.filter((flag: string) => !['NO-CARRIER', 'M-DOWN'].includes(flag)))
    )
  }
  const bridge = links.find(({ name }) => name === 'br7')
  const port = links.find(({ name }) => name === 'v0')
  expect(bridge).toMatchObject({ kind: 'bridge', mac: '02:00:00:00:00:07', info: { ageingTime: 500 } })
  expect(port).toMatchObject({ alias: 'the port', group: 9, master: bridge?.index, up: true })
  expect(port?.altNames).toEqual(['a-rather-long-alternative-name'])
  expect((await ns.links.get('a-rather-long-alternative-name'))?.name).toBe('v0')
  expect(await ns.links.list({ master: 'br7' })).toHaveLength(1)
  expect((await ns.links.list({ kind: 'veth', up: false })).map(({ name }) => name)).toEqual(['v1'])
})

test('every property that can be changed is seen changed by iproute2', async () => {
  using ns = NetNs.createSync()
  await ns.links.add({ kind: 'bridge', name: 'br0' })
  await ns.links.add({ kind: 'veth', name: 'i0', peer: { name: 'other' } })
  const changes = { mtu: 900, mac: '02:00:00:00:00:99', alias: 'x', master: 'br0', promiscuous: true, group: 5 }
  const link = await ns.links.set('i0', { ...changes, name: 'i1', up: true, txQueueLength: 11 })
  const [told] = ipJson(ns, 'link', 'show', 'i1')
  expect(told).toMatchObject({
    mtu: 900,
    address: '02:00:00:00:00:99',
    ifalias: 'x',
    master: 'br0',
    promiscuity: 2,
    txqlen: 11
  })
  expect(told.flags).toContain('UP')
  expect(link).toMatchObject({ name: 'i1', promiscuous: true, up: true, group: 5, mtu: 900 })
  expect((await ns.links.set(link, { master: null, up: false })).master).toBeUndefined()
  expect((await ns.links.set('br0', { info: { stp: true } })).info['stp']).toBe(true)
})

test.each(['left', 'right'] as const)('deleting the %s end of a veth deletes both', async (side) => {
  using wire = await pair()
  await wire[side].links.delete('eth0')
  expect(await wire.left.links.get('eth0')).toBeUndefined()
  expect(await wire.right.links.get('eth0')).toBeUndefined()
})

test('a failed add leaves nothing behind', async () => {
  using ns = NetNs.createSync()
  using other = NetNs.createSync()
  const bad = { kind: 'veth', name: 'v0', addresses: ['10.0.0.1/24', '10.0.0.1/24'], peer: { name: 'v1' } } as const
  await expect(ns.links.add({ ...bad, addresses: [...bad.addresses] })).rejects.toMatchObject({ code: 'EEXIST' })
  const peer = { name: 'v1', netns: other, addresses: ['10.0.0.2/24', '10.0.0.2/24'] }
  await expect(ns.links.add({ kind: 'veth', name: 'v0', peer })).rejects.toMatchObject({ code: 'EEXIST' })
  expect((await ns.links.list()).map(({ name }) => name)).toEqual(['lo'])
  expect((await other.links.list()).map(({ name }) => name)).toEqual(['lo'])
})

test('a name that is taken leaves the link that has it as it is', async () => {
  using ns = NetNs.createSync()
  await ns.links.add({ kind: 'bridge', name: 'br0' })
  const again = { kind: 'bridge', name: 'br0', alias: 'again', addresses: ['10.0.0.1/24'] } as const
  await expect(ns.links.add({ ...again, addresses: [...again.addresses] })).rejects.toMatchObject({ code: 'EEXIST' })
  expect((await ns.links.get('br0'))?.alias).toBeUndefined()
  expect(await ns.addresses.list({ dev: 'br0' })).toEqual([])
})

test('a veth’s other end that the kernel names comes up with its addresses', async () => {
  using left = NetNs.createSync()
  using right = NetNs.createSync()
  const peer = { netns: right, up: true, addresses: ['10.0.0.2/24', 'fd00::2/64'] }
  const link = await left.links.add({ kind: 'veth', name: 'v0', up: true, addresses: ['10.0.0.1/24'], peer })
  expect(link).toMatchObject({ state: 'UP', carrier: true, peerNetns: left.nsid(right) })
  const other = await right.links.get(link.link ?? 0)
  expect(other).toMatchObject({ kind: 'veth', up: true, state: 'UP' })
  const given = await right.addresses.list({ dev: link.link ?? 0 })
  expect(given.map(({ address }) => address)).toEqual(expect.arrayContaining(['10.0.0.2/24', 'fd00::2/64']))
  const here = await left.links.add({
    kind: 'veth',
    name: 'v1',
    up: true,
    peer: { up: true, addresses: ['10.1.0.2/24'] }
  })
  expect(here.state).toBe('UP')
  expect((await left.addresses.list({ dev: here.link ?? 0 })).map(({ address }) => address)).toContain('10.1.0.2/24')
})

test('a macvlan is made here on a link of another namespace', async () => {
  using wire = await pair()
  using inner = NetNs.createSync()
  const link = await inner.links.add({
    kind: 'macvlan',
    name: 'm0',
    link: 'eth0',
    linkNetns: wire.left,
    mode: 'bridge'
  })
  expect(link).toMatchObject({ name: 'm0', kind: 'macvlan', peerNetns: inner.nsid(wire.left) })
  expect(ipJson(wire.left, 'link').map(({ ifname }) => ifname)).toEqual(['lo', 'eth0'])
})

test('a kind that the kernel lacks is refused with its module', async () => {
  using ns = NetNs.createSync()
  const modules = {
    dummy: 'dummy',
    vlan: '8021q',
    ipvlan: 'ipvlan',
    vrf: 'vrf',
    bond: 'bonding',
    wireguard: 'wireguard'
  }
  for (const [kind, module] of Object.entries(modules)) {
    const spec = {
      kind,
      name: 'new0',
      ...(kind === 'vlan' ? { link: 'lo', id: 5 } : kind === 'vrf' ? { table: 9 } : {})
    }
    const result = await ns.links.add(spec as Parameters<NetNs['links']['add']>[0]).catch((error) => error)
    if (result instanceof Error) expect(result.message).toContain(`module '${module}'`)
    else expect(result.kind).toBe(kind)
  }
})

test('a thousand links are made and listed', async () => {
  using ns = NetNs.createSync()
  await ns.links.add({ kind: 'bridge', name: 'br0' })
  for (let i = 0; i < 1000; i += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, k) => ns.links.add({ kind: 'ifb', name: `t${i + k}`, master: 'br0' }))
    )
  }
  const links = await ns.links.list({ master: 'br0' })
  expect(links).toHaveLength(1000)
  expect(new Set(links.map(({ name }) => name)).size).toBe(1000)
})

test.each([
  [{ kind: 'bridge', name: 'sixteen-bytes-xx' }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'bridge', name: 'a b' }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'bridge', name: '' }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'bridge', name: 5 }, 'ERR_INVALID_ARG_TYPE'],
  [{ kind: 'nonsense', name: 'x' }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'bridge', name: 'x', mtu: -1 }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'bridge', name: 'x', mac: 'zz' }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'bridge', name: 'x', unknown: 1 }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'macvlan', name: 'x', mode: 'sideways', link: 'lo' }, 'ERR_INVALID_ARG_VALUE'],
  [{ kind: 'veth', name: 'x' }, 'ERR_INVALID_ARG_TYPE'],
  [{ kind: 'veth', name: 'x', peer: { netns: {} } }, 'ERR_INVALID_ARG_TYPE'],
  [{ kind: 'bridge', name: 'x', addresses: ['10.0.0.1'] }, 'ERR_INVALID_ARG_VALUE']
])('%o is refused before the kernel is asked', async (spec, code) => {
  using ns = NetNs.createSync()
  await expect(ns.links.add(spec as never)).rejects.toMatchObject({ code })
  expect(await ns.links.list()).toHaveLength(1)
})
