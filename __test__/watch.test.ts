import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { codeOf, directory, eventually, message, openDescriptors, output, threads, worker } from './helpers.ts'

const watchers = () => threads().filter((name) => name === 'netns-wait').length

test("'add' comes only once the name can be opened, 'delete' when it is gone", async () => {
  const options = { directory: directory() }
  const events = NetNs.watch(options)
  for (let round = 0; round < 40; round++) {
    const name = `red${round}`
    const step = events.next()
    const made = NetNs.create({ name, ...options })
    expect((await step).value).toEqual({ type: 'add', name })
    NetNs.fromName(name, options).close()
    ;(await made).close()
    await NetNs.delete(name, options)
    expect((await events.next()).value).toEqual({ type: 'delete', name })
  }
  await events.return?.()
  expect(await eventually(() => watchers() === 0)).toBe(true)
})

test('what happens before the first step, and a replaced name, are not lost', async () => {
  const options = { directory: directory() }
  await NetNs.create({ name: 'red', ...options })
  const events = NetNs.watch(options)
  await NetNs.delete('red', options)
  await NetNs.create({ name: 'red', ...options })
  writeFileSync(join(options.directory, 'plain'), '')
  const seen = []
  for await (const event of events) {
    seen.push(event)
    if (seen.length === 2) break
  }
  expect(seen).toEqual([
    { type: 'delete', name: 'red' },
    { type: 'add', name: 'red' }
  ])
  expect(await eventually(() => watchers() === 0)).toBe(true)
})

test('an abort ends the pending and the next step with its reason', async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const events = NetNs.watch({ directory: directory(), signal: controller.signal })
  const pending = codeOf(() => events.next())
  controller.abort(reason)
  expect(await pending).toBe(reason)
  expect(await events.next()).toEqual({ done: true, value: undefined })
  expect(() => NetNs.watch({ signal: controller.signal })).toThrow(reason)
  const late = new AbortController()
  const unstarted = NetNs.watch({ directory: directory(), signal: late.signal })
  late.abort(reason)
  expect(await codeOf(() => unstarted.next())).toBe(reason)
  expect(await eventually(() => watchers() === 0)).toBe(true)
})

test('I7: watches that nobody follows are collected, and let the process end', async () => {
  const source = `
    const { signal } = new AbortController()
    const open = () => fs.readdirSync('/proc/self/fd').length
    NetNs.watch({ signal })
    const before = open()
    for (let round = 0; round < 100; round++) NetNs.watch({ signal })
    for (let tries = 0; open() > before && tries < 1000; tries++) {
      gc()
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert(open() <= before)
    console.log('ended')
  `
  expect(await output(source, { flags: ['--expose-gc'] })).toBe('ended')
})

test('I7: a Worker that is terminated while it waits leaves no thread and no descriptor', async () => {
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round++) {
      const watching = worker(`NetNs.watch({ directory: workerData }).next(); parentPort.postMessage(1)`, directory())
      await message(watching)
      await watching.terminate()
    }
  }
  await rounds(1)
  const before = openDescriptors()
  await rounds(5)
  expect(await eventually(() => watchers() === 0 && openDescriptors() <= before)).toBe(true)
})
