/** Lists that kept changing while they were made, which no test can bring about at will: the kernel's answer is ours. */

import { NetNs, type Route } from 'node-netns'
import { afterEach, expect, test, vi } from 'vitest'
import { type NetlinkReply, native } from '../../lib/native.ts'

afterEach(() => void vi.restoreAllMocks())

/** The same answer, from a kernel whose state changed meanwhile. */
function interrupt(given: Buffer | NetlinkReply): NetlinkReply {
  return { data: given as Buffer, refusals: [], interrupted: true, sent: 1 }
}

test('a list that was interrupted at every try is thrown with what could be seen', async () => {
  using ns = NetNs.createSync()
  const { netlinkDump, netlinkDumpSync } = native()
  // The names of links are asked for first.
  const last = (given: (Buffer | NetlinkReply)[]) => given.with(-1, interrupt(given.at(-1) as Buffer))
  vi.spyOn(native(), 'netlinkDump').mockImplementation(async (...asked) => last(await netlinkDump(...asked)))
  vi.spyOn(native(), 'netlinkDumpSync').mockImplementation((...asked) => last(netlinkDumpSync(...asked)))
  const whole = (await ns.routes.list({ table: 'all' }).catch((error) => error.partial)) as Route[]
  expect(whole.map(({ to }) => to)).toContain('127.0.0.0/8')
  for (const list of [ns.links, ns.addresses, ns.rules]) {
    const error = await list.list().catch((reason) => reason)
    expect(error).toMatchObject({ code: 'ERR_NETNS_INTERRUPTED', name: 'NetnsError' })
    expect(error.partial.length).toBeGreaterThan(0)
    expect(() => list.listSync()).toThrow(expect.objectContaining({ ...error, message: error.message }))
  }
})

test('a monitor asks again after an interruption, and gives up when that does not end', async () => {
  using ns = NetNs.createSync()
  const { netlinkDump } = native()
  let interruptions = 2
  const dump = vi.spyOn(native(), 'netlinkDump').mockImplementation(async (...asked) => {
    const given = await netlinkDump(...asked)
    return interruptions-- > 0 ? given.map(interrupt) : given
  })
  const events = ns.monitor({ groups: ['link'] })
  await ns.links.set('lo', { alias: 'seen' })
  expect((await events.next()).value).toMatchObject({ type: 'change', group: 'link', value: { alias: 'seen' } })
  await events.return?.()
  expect(dump).toHaveBeenCalledTimes(3)
  interruptions = Number.POSITIVE_INFINITY
  await expect(ns.monitor({ groups: ['link'] }).next()).rejects.toMatchObject({ code: 'ERR_NETNS_INTERRUPTED' })
})
