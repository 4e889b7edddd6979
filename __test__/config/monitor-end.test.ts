/** How monitors end, and their thread. */
import { readdirSync, readFileSync } from 'node:fs'
import { NetNs, type NetworkEvent } from 'node-netns'
import { expect, test } from 'vitest'
import { eventually, output } from '../helpers.ts'

test('an aborted monitor throws the reason, and a pending step too', async () => {
  using ns = NetNs.createSync()
  const controller = new AbortController()
  const events = ns.monitor({ signal: controller.signal })
  const pending = events.next()
  controller.abort(new Error('enough'))
  await expect(pending).rejects.toThrow('enough')
  expect(await events.next()).toEqual({ done: true, value: undefined })
  expect(() => ns.monitor({ signal: controller.signal })).toThrow('enough')
  expect(() => ns.monitor({ groups: ['nonsense' as 'link'] })).toThrow(
    expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' })
  )
})

/** The threads that wait for changes. */
function waiting(): string[] {
  const names = readdirSync('/proc/self/task').map((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim()
    } catch {
      // It has ended meanwhile.
      return ''
    }
  })
  return names.filter((name) => name === 'netns-wait')
}

async function added(events: AsyncIterator<NetworkEvent>, name: string): Promise<void> {
  while (true) {
    const { value } = await events.next()
    if (value?.type === 'add' && value.value.name === name) return
  }
}

test('monitors share one thread, which ends when all are abandoned', async () => {
  using ns = NetNs.createSync()
  expect(await eventually(() => waiting().length === 0)).toBe(true)
  const monitors = Array.from({ length: 20 }, () => ns.monitor({ groups: ['link'] }))
  for (let change = 0; change < 3; change++) {
    const told = monitors.map((events) => added(events, `br${change}`))
    await ns.links.add({ kind: 'bridge', name: `br${change}` })
    await Promise.all(told)
    expect(waiting()).toHaveLength(1)
  }
  const pending = monitors.map((events) => events.next())
  for (const events of monitors) await events.return?.()
  for (const step of await Promise.all(pending)) expect(step).toEqual({ done: true, value: undefined })
  expect(await eventually(() => waiting().length === 0)).toBe(true)
})

test('a monitor that nobody asks keeps no process alive, and one that ends with its Worker leaves nothing', async () => {
  const source = `
    import { once } from 'node:events'
    import { Worker } from 'node:worker_threads'
    const red = await NetNs.create()
    const worker = new Worker(\`
      const { NetNs } = require('node-netns')
      const red = NetNs.createSync()
      globalThis.events = red.monitor()
      globalThis.events.next()
      red.links.set('lo', { alias: 'x' }).then(() => require('node:worker_threads').parentPort.postMessage('listening'))
    \`, { eval: true, execArgv: [] })
    await once(worker, 'message')
    await worker.terminate()
    const names = () => fs.readdirSync('/proc/self/task').map((id) => {
      try { return fs.readFileSync('/proc/self/task/' + id + '/comm', 'utf8') } catch { return '' }
    })
    while (names().includes('netns-wait\\n')) await new Promise((resolve) => setTimeout(resolve, 5))
    globalThis.events = red.monitor()
    await red.links.set('lo', { alias: 'x' })
    console.log('ends')`
  expect(await output(source)).toBe('ends')
})

test('monitors that are forgotten end, with their thread and their sockets', async () => {
  const source = `
    const red = NetNs.createSync()
    await red.links.set('lo', { alias: 'a' })
    const descriptors = () => fs.readdirSync('/proc/self/fd').length
    const names = () => fs.readdirSync('/proc/self/task').map((id) => {
      try { return fs.readFileSync('/proc/self/task/' + id + '/comm', 'utf8') } catch { return '' }
    })
    const before = descriptors()
    // Until all are there, as the collector comes by itself too.
    let held = []
    // A function of its own, as the frame of a loop that waits holds the last one for many seconds.
    const hold = async (i) => {
      const events = red.monitor()
      held.push(events)
      const told = events.next()
      await red.links.set('lo', { alias: 'b' + i })
      await told
    }
    for (let i = 0; i < 20; i++) await hold(i)
    if (descriptors() < before + 20) throw new Error('there were no monitors')
    held = undefined
    // Sockets for questions are kept, two of them.
    while (descriptors() > before + 2 || names().includes('netns-wait\\n')) {
      gc()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    console.log('ended')`
  expect(await output(source, { flags: ['--expose-gc'] })).toBe('ended')
})
