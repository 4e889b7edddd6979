/** Many programs at once and in a row, from many threads. */
import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { afterAll, expect, test } from 'vitest'
import { leastProgram } from './least-program.ts'
import { descriptors, isChildless, networksOfThreads, threads, until } from './support.ts'

const ns = NetNs.createSync()
afterAll(() => ns.close())

const quick = ns.command(leastProgram(), [], { stdio: 'ignore' })

test('a thousand at once leave no zombie, no descriptor and no thread', async () => {
  await quick.status()
  await until(isChildless)
  const before = descriptors()
  const ended = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => ns.command('sh', ['-c', `exit ${i % 256}`], { stdio: 'ignore' }).status())
  )
  expect(ended.map(({ code }) => code)).toEqual(Array.from({ length: 1000 }, (_, i) => i % 256))
  await until(isChildless)
  await until(() => descriptors() === before)
  expect(networksOfThreads()).toHaveLength(1)
})

test('ten thousand one after the other leave nothing either', async () => {
  await quick.status()
  await until(isChildless)
  const before = [descriptors(), threads()]
  for (let i = 0; i < 10_000; i++) {
    const { code } = await quick.status()
    if (code !== 0) throw new Error(`the ${i}th: ${code}`)
  }
  await until(isChildless)
  await until(() => descriptors() === before[0])
  expect([descriptors(), threads()]).toEqual(before)
}, 300_000)

test('with pipes nothing is left open', async () => {
  const command = ns.command('cat', [], { input: 'x' })
  await command.output()
  await until(isChildless)
  const before = descriptors()
  for (let i = 0; i < 50; i++) await Promise.all(Array.from({ length: 10 }, () => command.output()))
  await until(() => descriptors() === before)
})

test('starts that fail leave nothing', async () => {
  await until(isChildless)
  const before = descriptors()
  for (let i = 0; i < 200; i++) {
    await ns
      .command('/no/such/program')
      .output()
      .catch(() => {})
    await ns
      .command('true', [], { cwd: '/no/such/directory' })
      .output()
      .catch(() => {})
  }
  await until(isChildless)
  await until(() => descriptors() === before)
})

test('Workers start programs, and one that ends amid them takes nothing along', async () => {
  const body = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(workerData.library).then(async ({ NetNs }) => {
      const ns = NetNs.fromFd(workerData.fd)
      const ended = await Promise.all(Array.from({ length: 20 }, () => ns.command('readlink', ['/proc/self/ns/net']).output()))
      for (let i = 0; i < 20; i++) ns.command('sleep', ['0.05'], { stdio: 'ignore' }).spawn()
      parentPort.postMessage(ended.map(({ stdout }) => stdout.toString().trim()))
    })`
  const { default: url } = await import('node:url')
  const library = url.pathToFileURL(`${process.cwd()}/dist/index.js`).href
  const run = () => {
    const worker = new Worker(body, { eval: true, workerData: { library, fd: ns.fd } })
    return new Promise<string[]>((resolve, reject) => {
      worker.on('error', reject)
      worker.on('message', async (seen) => {
        await worker.terminate()
        resolve(seen)
      })
    })
  }
  for (const seen of await Promise.all([run(), run(), run()])) expect(seen).toEqual(Array(20).fill(ns.id))
  await until(isChildless)
})

test('starts go well while other threads fork', async () => {
  const body = `
    const { spawnSync } = require('node:child_process')
    for (let i = 0; i < 150; i++) if (spawnSync('/bin/true').status !== 0) throw new Error('status')`
  const forking = [new Worker(body, { eval: true }), new Worker(body, { eval: true })]
  const over = Promise.all(
    forking.map((worker) => new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject)))
  )
  let going = true
  void over.finally(() => {
    going = false
  })
  let count = 0
  while (going) {
    const { stdout } = await ns.command('readlink', ['/proc/self/ns/net']).output()
    expect(stdout.toString().trim()).toBe(ns.id)
    if (count % 10 === 0) expect(spawnSync('/bin/true').status).toBe(0)
    count++
  }
  await over
  expect(count).toBeGreaterThan(10)
})
