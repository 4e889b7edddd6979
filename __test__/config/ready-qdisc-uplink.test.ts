import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { NetNs, type QdiscSpec } from 'node-netns'
import { expect, test, vi } from 'vitest'
import { native } from '../../lib/native.ts'
import { inside, ip, ipJson, pair } from './wire.ts'

test('ready means carrier, no tentative address, and a route', async () => {
  using wire = await pair()
  // Before anything waits.
  ip(wire.left, '-V')
  await wire.left.addresses.add({ dev: 'eth0', address: 'fd00::1/64' })
  await wire.left.waitReady({ to: '10.0.0.2' })
  expect((await wire.left.addresses.list()).filter(({ flags }) => flags.includes('tentative'))).toEqual([])
  await expect(wire.left.waitReady({ to: '192.0.2.1', timeout: 1000 })).rejects.toMatchObject({
    code: 'ERR_NETNS_NOT_READY',
    message: expect.stringContaining('no route to 192.0.2.1')
  })
  const waiting = wire.left.waitReady({ to: '192.0.2.1' })
  ip(wire.left, 'route', 'add', 'default', 'via', '10.0.0.2')
  await waiting
  ip(wire.right, 'link', 'set', 'eth0', 'down')
  const dark = wire.left.waitReady()
  ip(wire.right, 'link', 'set', 'eth0', 'up')
  await dark
  await expect(wire.left.waitReady({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
})

test('a link queues as it is told to, as tc sees it', async () => {
  using wire = await pair()
  const tc = (...args: string[]) => inside(wire.left, 'tc', ...args)
  await wire.left.qdisc.replace({ dev: 'eth0', kind: 'tbf', rate: 1_000_000, burst: 8000, latency: 20 })
  expect(tc('qdisc', 'show', 'dev', 'eth0')).toMatch(/qdisc tbf 1: root refcnt \d+ rate 1Mbit burst 8000b lat 20ms/)
  expect(await wire.left.qdisc.list({ dev: 'eth0' })).toMatchObject([
    { dev: 'eth0', kind: 'tbf', parent: 'root', handle: '1:' }
  ])
  await wire.left.qdisc.replace({ dev: 'eth0', kind: 'htb', rate: 2_000_000, ceil: 40_000_000_000 })
  expect(tc('class', 'show', 'dev', 'eth0')).toContain('rate 2Mbit ceil 40Gbit')
  await wire.left.qdisc.delete({ dev: 'eth0' })
  expect(tc('qdisc', 'show', 'dev', 'eth0')).toContain('noqueue')
  await expect(wire.left.qdisc.delete({ dev: 'eth0' })).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(wire.left.qdisc.replace({ dev: 'eth0', kind: 'netem', loss: 101 })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG_VALUE'
  })
})

test('a way of queueing that the kernel lacks is refused with its module, and the old one stays', async () => {
  using wire = await pair()
  const specs: QdiscSpec[] = [
    { dev: 'eth0', kind: 'netem', delay: 1 },
    { dev: 'eth0', kind: 'fq_codel' }
  ]
  for (const spec of specs) {
    await wire.left.qdisc.replace({ dev: 'eth0', kind: 'tbf', rate: 1_000_000 })
    const error = await wire.left.qdisc.replace(spec).catch((reason) => reason)
    const kind = (await wire.left.qdisc.list({ dev: 'eth0' }))[0]?.kind
    if (error === undefined) {
      expect(kind).toBe(spec.kind)
    } else {
      expect(error).toMatchObject({ code: 'ENOENT', message: expect.stringContaining(`module 'sch_${spec.kind}'`) })
      expect(kind).toBe('tbf')
    }
  }
})

/** A namespace that leads to another, which answers at 192.0.2.2. */
async function outside() {
  const [outer, far] = [NetNs.createSync(), NetNs.createSync()]
  const peer = { name: 'wan0', netns: far, up: true, addresses: ['192.0.2.2/24'] }
  await outer.links.add({ kind: 'veth', name: 'wan0', up: true, addresses: ['192.0.2.1/24'], peer })
  await outer.routes.add({ to: 'default', via: '192.0.2.2' })
  return { outer, far }
}

const TALK = `
const net = require('node:net')
const socket = net.connect(7, '192.0.2.2')
socket.on('data', (data) => { console.log(String(data)); socket.end() })
socket.on('error', (error) => { console.log(error.code); process.exit(1) })
`

test('an uplink masquerades, two at once do not clash, and nothing is left of them', async () => {
  const { outer, far } = await outside()
  const [one, two] = [await NetNs.create({ name: 'one' }), await NetNs.create()]
  mkdirSync('/etc/netns', { recursive: true })
  const before = [ipJson(outer, 'address').length, await outer.sysctl.get('net.ipv4.conf.wan0.forwarding')]
  const first = await one.uplink({ to: outer, nameservers: ['192.0.2.2'] })
  const second = await two.uplink({ to: outer })
  expect(first.address).not.toBe(second.address)
  expect(readFileSync('/etc/netns/one/resolv.conf', 'utf8')).toBe('nameserver 192.0.2.2\n')
  // Whoever connects is told where from: the masquerading namespace's address, not its own.
  await far.run(async () => {
    const { createServer } = await import('node:net')
    const server = createServer((socket) => socket.end(String(socket.remoteAddress)))
    await new Promise<void>((resolve) => server.listen(7, '192.0.2.2', resolve))
    const { execFile } = await import('node:child_process')
    for (const ns of [one, two]) {
      const said = await new Promise<string>((resolve) => {
        ns.runSync(() => void execFile(process.execPath, ['-e', TALK], (_error, stdout) => resolve(stdout.trim())))
      })
      expect(said).toBe('192.0.2.1')
    }
    await new Promise((resolve) => server.close(resolve))
  })
  await second.close()
  await first.close()
  await first.close()
  expect([ipJson(outer, 'address').length, await outer.sysctl.get('net.ipv4.conf.wan0.forwarding')]).toEqual(before)
  expect((await one.links.list()).map(({ name }) => name)).toEqual(['lo'])
  expect(existsSync('/etc/netns/one')).toBe(false)
  await NetNs.delete('one')
  for (const ns of [outer, far, one, two]) ns.close()
})

test('uplinks that are made at once share the way out, and the last one to go closes it', async () => {
  const { outer, far } = await outside()
  const inner = [NetNs.createSync(), NetNs.createSync(), NetNs.createSync()]
  const forwards = () => outer.sysctl.get('net.ipv4.conf.wan0.forwarding')
  const uplinks = await Promise.all(inner.map((ns) => ns.uplink({ to: outer })))
  expect(new Set(uplinks.map(({ address }) => address)).size).toBe(3)
  for (const [i, uplink] of uplinks.entries()) {
    expect(await forwards()).toBe('1')
    await uplink.close()
    expect(await inner[i]?.links.list()).toHaveLength(1)
  }
  expect(await forwards()).toBe('0')
  expect((await outer.links.list()).map(({ name }) => name)).toEqual(['lo', 'wan0'])
  for (const ns of [outer, far, ...inner]) ns.close()
})

test('an uplink takes a network that nobody has addresses of', async () => {
  const { outer, far } = await outside()
  using ns = NetNs.createSync()
  // All are taken but those from 10.213.96.0 to 10.213.96.7.
  const others = ['128.0/17', '0.0/18', '64.0/19', '112.0/20', '104.0/21', '100.0/22', '98.0/23', '97.0/24']
  others.push('96.128/25', '96.64/26', '96.32/27', '96.16/28', '96.8/29')
  await outer.routes.add(others.map((end) => ({ to: `10.213.${end}`, type: 'blackhole' })))
  const uplink = await ns.uplink({ to: outer })
  expect(uplink.gateway).toMatch(/^10\.213\.96\.[15]$/)
  await uplink.close()
  for (const namespace of [outer, far]) namespace.close()
})

test('an uplink that nftables refuses leaves everything as it was', async () => {
  const { outer, far } = await outside()
  using ns = NetNs.createSync()
  const before = await outer.links.list()
  const { netlinkExchange } = native()
  // As a kernel answers that has nf_tables, but not what masquerades.
  const lacking = vi.spyOn(native(), 'netlinkExchange').mockImplementation(async (plan, ...rest) => {
    const [protocol, length] = plan as unknown as [number, number]
    if (protocol !== 12 || length < 200) return netlinkExchange(plan, ...rest)
    const refusal = { items: [3], code: 'ENOENT', errno: -2, meaning: 'No such file or directory' }
    return { data: Buffer.alloc(0), refusals: [refusal], interrupted: false, sent: 1 }
  })
  try {
    await expect(ns.uplink({ to: outer })).rejects.toMatchObject({
      code: 'ENOENT',
      message: expect.stringContaining('modules nf_tables, nft_chain_nat, nft_masq')
    })
    expect(lacking).toHaveBeenCalled()
  } finally {
    lacking.mockRestore()
  }
  expect((await outer.links.list()).map(({ index }) => index)).toEqual(before.map(({ index }) => index))
  expect(await ns.links.list()).toHaveLength(1)
  expect(await outer.sysctl.get('net.ipv4.conf.wan0.forwarding')).toBe('0')
  for (const other of [outer, far]) other.close()
})

test('an uplink to a namespace without a way out is refused before anything changes', async () => {
  using outer = NetNs.createSync()
  using ns = NetNs.createSync()
  await expect(ns.uplink({ to: outer })).rejects.toMatchObject({ code: 'ENETUNREACH' })
  await expect(ns.uplink({ to: outer, dev: 'lo', subnet: '10.0.0.0/31' })).rejects.toThrow('no room for two')
  expect(await ns.links.list()).toHaveLength(1)
  expect(await outer.links.list()).toHaveLength(1)
})
