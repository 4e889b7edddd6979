/** Lists that kept changing while they were made, which no test can bring about at will: the kernel's answer is ours. */

import { NetNs, type Route } from 'node-netns'
import { afterEach, expect, test, vi } from 'vitest'
import { native } from '../../lib/native.ts'

afterEach(() => void vi.restoreAllMocks())

test('a list that was interrupted at every try is thrown with what could be seen', async () => {
  using ns = NetNs.createSync()
  const { netlinkDump } = native()
  vi.spyOn(native(), 'netlinkDump').mockImplementation(async (handle, requests) => {
    const replies = await netlinkDump(handle, requests)
    // The names of links are asked for first.
    return replies.map((reply, i) => ({ ...reply, interrupted: i === replies.length - 1 }))
  })
  const whole = (await ns.routes.list({ table: 'all' }).catch((error) => error.partial)) as Route[]
  expect(whole.map(({ to }) => to)).toContain('127.0.0.0/8')
  for (const list of [ns.links, ns.addresses, ns.rules]) {
    const error = await list.list().catch((reason) => reason)
    expect(error).toMatchObject({ code: 'ERR_NETNS_INTERRUPTED', name: 'NetnsError' })
    expect(error.partial.length).toBeGreaterThan(0)
  }
})

test('a monitor asks again after an interruption, and gives up when that does not end', async () => {
  using ns = NetNs.createSync()
  const { netlinkDump } = native()
  let interruptions = 2
  const dump = vi.spyOn(native(), 'netlinkDump').mockImplementation(async (handle, requests) => {
    const interrupted = interruptions-- > 0
    return (await netlinkDump(handle, requests)).map((reply) => ({ ...reply, interrupted }))
  })
  const events = ns.monitor({ groups: ['link'] })
  await ns.links.set('lo', { alias: 'seen' })
  expect((await events.next()).value).toMatchObject({ type: 'change', group: 'link', value: { alias: 'seen' } })
  await events.return?.()
  expect(dump).toHaveBeenCalledTimes(3)
  interruptions = Number.POSITIVE_INFINITY
  await expect(ns.monitor({ groups: ['link'] }).next()).rejects.toMatchObject({ code: 'ERR_NETNS_INTERRUPTED' })
})
