import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { directory, output, root } from './helpers.ts'

/** What is compiled together with its file, and what is looked over first and compiled when it is called. */
let atOnce: string[]
let whenCalled: string[]
/** What the first context of a process calls. */
let called: Set<string>

beforeAll(async () => {
  const file = join('dist', 'lib', 'context.cjs')
  const code = readFileSync(join(root, file), 'utf8')
  atOnce = [...code.matchAll(/\bvar (\w+)=\(function\(/g)].map(([, name]) => name as string)
  whenCalled = [...code.matchAll(/\bfunction (\w+)\(/g)].map(([, name]) => name as string)
  const folder = directory()
  const source = `
    for (const name of ['child_process', 'dns', 'http']) await import('node:' + name)
    const { NetNs } = await import('node-netns')
    NetNs.createSync().run(() => {})
  `
  await output(source, { bare: true, env: { NODE_V8_COVERAGE: folder } })
  const [report] = readdirSync(folder)
  const { result } = JSON.parse(readFileSync(join(folder, report as string), 'utf8')) as Coverage
  const { functions } = result.find(({ url }) => url.endsWith(file)) as Coverage['result'][number]
  called = new Set(functions.flatMap(({ functionName, ranges }) => (ranges[0]?.count ? [functionName] : [])))
})

/** What `NODE_V8_COVERAGE` has Node write. */
interface Coverage {
  result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[]
}

test('whatever of the first context is compiled at once is called at once', () => {
  expect(atOnce).toContain('install')
  expect(atOnce.filter((name) => !called.has(name))).toEqual([])
})

test('hardly anything that is called at once is not compiled at once', () => {
  const late = whenCalled.filter((name) => called.has(name))
  // Other versions of Node have loaded other modules of theirs, which are then hooked at once.
  expect(late.length, late.join()).toBeLessThan(atOnce.length / 10)
})

test('a stack trace names what is compiled at once', async () => {
  const source = `
    const ns = NetNs.createSync()
    ns.close()
    try { ns.run(() => {}) } catch (error) { console.log(error.stack) }
  `
  const stack = await output(source)
  expect(stack).toMatch(/at prepare \(.*context\.cjs:/)
  expect(stack).toMatch(/at Object\.run \(.*context\.cjs:/)
})
