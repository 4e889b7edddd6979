import { readFileSync } from 'node:fs'
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { inside, pair } from './wire.ts'

test('a setting is read and written in the namespace alone', async () => {
  using ns = NetNs.createSync()
  const home = readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')
  await ns.sysctl.set('net.ipv4.ip_forward', 1)
  expect(await ns.sysctl.get('net.ipv4.ip_forward')).toBe('1')
  expect(inside(ns, 'cat', '/proc/sys/net/ipv4/ip_forward')).toBe('1\n')
  expect(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8')).toBe(home)
})

test('many at once, in two namespaces, never meet', async () => {
  using wire = await pair()
  const setting = 'net.ipv4.ip_local_port_range'
  await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      wire[i % 2 ? 'left' : 'right'].sysctl.set(setting, i % 2 ? '2000 3000' : '4000 5000')
    )
  )
  expect(await wire.left.sysctl.get(setting)).toBe('2000\t3000')
  expect(await wire.right.sysctl.get(setting)).toBe('4000\t5000')
})

test('a slash stands for a dot within a link’s name', async () => {
  using ns = NetNs.createSync()
  await ns.links.add({ kind: 'bridge', name: 'br0.5' })
  await ns.sysctl.set('net.ipv4.conf.br0/5.forwarding', '1')
  expect(await ns.sysctl.get('net.ipv4.conf.br0/5.forwarding')).toBe('1')
})

test.each([
  ['net.ipv4.nosuch', 'ENOENT'],
  ['kernel.hostname', 'ERR_INVALID_ARG_VALUE'],
  ['net.//.kernel.hostname', 'ERR_INVALID_ARG_VALUE'],
  ['net', 'ERR_INVALID_ARG_VALUE'],
  [5, 'ERR_INVALID_ARG_TYPE']
])('%o is refused with %s', async (name, code) => {
  using ns = NetNs.createSync()
  await expect(ns.sysctl.get(name as string)).rejects.toMatchObject({ code })
})

test('a value that the kernel does not take is EINVAL, with the file', async () => {
  using ns = NetNs.createSync()
  await expect(ns.sysctl.set('net.ipv4.ip_forward', 'maybe')).rejects.toMatchObject({
    code: 'EINVAL',
    syscall: 'write',
    path: '/proc/sys/net/ipv4/ip_forward'
  })
})
