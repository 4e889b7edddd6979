/** Contexts are loaded ahead of the first one where it costs nobody anything: while a program waits that may use them. */
import { expect, test } from 'vitest'
import { output } from './helpers.ts'

/** What a program that opens a namespace by `open`, and has loaded `modules` of Node's, has of ours when it has waited. */
async function loaded(modules: string[], open: string, wait: string): Promise<string> {
  const source = `
    const { createRequire } = await import('node:module')
    const { writeSync } = await import('node:fs')
    const { sep } = await import('node:path')
    const parts = () => Object.keys(createRequire('/').cache).filter((file) => file.includes(sep + 'dist' + sep))
      .map((file) => file.split(sep).at(-1)).sort().join()
    for (const name of ${JSON.stringify(modules)}) await import('node:' + name)
    const { NetNs } = await import('node-netns')
    ${open}
    ${wait}
    process.on('exit', () => writeSync(1, parts()))`
  return output(source, { bare: true })
}

// A later timer never comes first.
const WAITING = 'await new Promise((resolve) => setTimeout(resolve, 10))'

test.each(['NetNs.createSync()', 'await NetNs.create()', "NetNs.fromPath('/proc/self/ns/net')", 'NetNs.fromPid(1)'])(
  'a program with sockets that waits with a handle by %s has them',
  async (open) => {
    expect(await loaded(['net'], open, WAITING)).toBe('context.cjs')
  }
)

test('with Workers it has what those need too', async () => {
  expect(await loaded(['net', 'worker_threads'], 'NetNs.createSync()', WAITING)).toBe('context.cjs,web.cjs')
})

test('a program without sockets, or without a handle, has none', async () => {
  expect(await loaded([], 'NetNs.createSync()', WAITING)).toBe('')
  expect(await loaded(['net'], 'NetNs.home(), NetNs.listSync()', WAITING)).toBe('')
})

test('no process is kept alive for it', async () => {
  const source = `
    const alive = process.getActiveResourcesInfo().join()
    NetNs.createSync()
    console.log(process.getActiveResourcesInfo().join() === alive)`
  expect(await output(source)).toBe('true')
})

test('what cannot be loaded ahead is loaded when it is needed', async () => {
  const open = `
    const Module = createRequire('/')('module')
    const load = Module._load
    let tried = 0
    Module._load = (...args) => {
      if (!String(args[0]).includes('context')) return load(...args)
      tried++
      throw new Error('not now')
    }
    const ns = NetNs.createSync()`
  const then = `
    Module._load = load
    if (tried !== 1 || ns.run(() => NetNs.current().id) !== ns.id) throw new Error('tried ' + tried)`
  expect(await loaded(['net'], open, WAITING + then)).toBe('context.cjs')
})
