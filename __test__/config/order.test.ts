/** No call overtakes what was asked before, on this thread or off it, and monitors are told of it. */
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { WAYS } from './ways.ts'
import { tunRefusal } from './wire.ts'

test('a synchronous call overtakes nothing that was asked of the same handle before', () => {
  const ns = NetNs.createSync()
  const pending: Promise<unknown>[] = []
  for (let i = 0; i < 10; i++) {
    pending.push(ns.links.add({ kind: 'bridge', name: `br${i}` }))
    expect(ns.links.getSync(`br${i}`)).toMatchObject({ name: `br${i}` })
    pending.push(ns.sysctl.set(`net.ipv4.conf.br${i}.forwarding`, 1))
    expect(ns.sysctl.getSync(`net.ipv4.conf.br${i}.forwarding`)).toBe('1')
    pending.push(ns.links.delete(`br${i}`))
    expect(ns.links.getSync(`br${i}`)).toBeUndefined()
  }
  return Promise.all(pending).finally(() => ns.close())
})

test('a veth is made behind what either of its namespaces was asked before', async () => {
  using left = NetNs.createSync()
  using right = NetNs.createSync()
  const adding = right.links.add({ kind: 'bridge', name: 'taken' })
  const peer = { name: 'taken', netns: right }
  expect(() => left.links.addSync({ kind: 'veth', name: 'a', peer })).toThrow(
    expect.objectContaining({ code: 'EEXIST' })
  )
  await adding
})

test('a call whose answer fails keeps no synchronous call waiting', async () => {
  using ns = NetNs.createSync()
  const failing = ns.links.delete('none')
  expect(ns.links.getSync('lo')).toMatchObject({ name: 'lo' })
  await expect(failing).rejects.toMatchObject({ code: 'ENODEV' })
})

test('a monitor tells of what a synchronous call changed right after it was asked for', async () => {
  using ns = NetNs.createSync()
  using same = NetNs.fromFd(ns.fd)
  const events = ns.monitor({ groups: ['link'] })
  // By another handle, too.
  same.links.addSync({ kind: 'bridge', name: 'br0' })
  const { value } = await events.next()
  expect(value).toMatchObject({ type: 'add', group: 'link', value: { name: 'br0' } })
  await events.return?.()
})

test.each(['asynchronous', 'synchronous'])(
  'a monitor tells of a tun that an %s call made right after it',
  async (way) => {
    using ns = NetNs.createSync()
    using same = NetNs.fromFd(ns.fd)
    const events = ns.monitor({ groups: ['link'] })
    const made = WAYS[way]?.(same, 'links').add({ kind: 'tun', name: 'tun0' })
    if (tunRefusal !== undefined) {
      // The machine does not let this user, or anybody, have one.
      await expect(made).rejects.toMatchObject(tunRefusal)
      await events.return?.()
      return
    }
    const { value } = await events.next()
    expect(value).toMatchObject({ type: 'add', group: 'link', value: { name: 'tun0' } })
    await events.return?.()
    await made
  }
)

test.each(['asynchronous', 'synchronous'])(
  "a monitor tells of a veth's other end that an %s call made",
  async (way) => {
    using left = NetNs.createSync()
    using right = NetNs.createSync()
    const events = right.monitor()
    const made = WAYS[way]?.(left, 'links').add({ kind: 'veth', name: 'a', peer: { name: 'b', netns: right } })
    for await (const { type, group, value } of events) {
      if (group !== 'link') continue
      expect([type, (value as { name: string }).name]).toEqual(['add', 'b'])
      break
    }
    await made
  }
)
