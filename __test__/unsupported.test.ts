import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { type Ended, output, root, run } from './helpers.ts'

/** The package as it is built, without its native part. */
function withoutBinary(): string {
  const folder = join(mkdtempSync('/run/netns-package-'), 'node_modules/node-netns')
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const file of ['package.json', 'dist', 'native.cjs', 'native.d.cts'])
    cpSync(join(root, file), join(folder, file), { recursive: true })
  for (const name of Object.keys(dependencies ?? {}))
    cpSync(join(root, 'node_modules', name), join(folder, '..', name), { recursive: true })
  for (const name of ['@leichtgewicht/ip-codec'])
    cpSync(join(root, 'node_modules', name), join(folder, '..', name), { recursive: true })
  return folder
}

/** Every entry point says the same, and import and probe say nothing worse. */
const EVERYTHING = (module: string) => `
  const { NetNs, probe } = await import(${JSON.stringify(module)})
  const calls = [
    () => NetNs.current(), () => NetNs.home(), () => NetNs.fromPath('/proc/self/ns/net'), () => NetNs.fromName('red'),
    () => NetNs.fromPid(1), () => NetNs.fromThread(1, 1), () => NetNs.fromFd(0), () => NetNs.create(),
    () => NetNs.createSync(), () => NetNs.list(), () => NetNs.listSync(), () => NetNs.listStale(),
    () => NetNs.delete('red'), () => NetNs.deleteSync('red'), () => NetNs.watch()
  ]
  const told = new Set()
  for (const call of calls) {
    try { await call(); told.add('no error') } catch (error) { told.add(error.name + ' ' + error.code + ': ' + error.message) }
  }
  const { supported, kernel, can } = await probe()
  console.log(JSON.stringify({ told: [...told], supported, kernel: typeof kernel, can }))
`

function check(ended: Ended): { why: string; remedy: string } {
  expect(ended).toMatchObject({ code: 0, stderr: '' })
  const { told, supported, kernel, can } = JSON.parse(ended.stdout)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatch(/^NetnsError ERR_NETNS_UNSUPPORTED: /)
  expect({ supported, kernel }).toEqual({ supported: false, kernel: 'string' })
  for (const ability of Object.values(can) as { ok: boolean; code: string; why: string; remedy: string }[]) {
    expect(ability).toMatchObject({ ok: false, code: 'ERR_NETNS_UNSUPPORTED' })
    expect(told[0]).toContain(`${ability.why}. ${ability.remedy}`)
  }
  return can.create
}

test.each(['darwin', 'win32', 'freebsd'])('I8: on %s everything answers', async (platform) => {
  const source = `Object.defineProperty(process, 'platform', { value: '${platform}' }); ${EVERYTHING('node-netns')}`
  const { why, remedy } = check(await run(source, { bare: true }))
  expect(why).toContain(`this is ${platform}`)
  expect(remedy).toContain('Run on Linux')
})

test('I8: without the platform’s package everything answers', async () => {
  const { why, remedy } = check(await run(EVERYTHING(join(withoutBinary(), 'dist/index.js')), { bare: true }))
  expect(why).toContain('is missing')
  expect(remedy).toContain('optional dependencies')
})

test('I8: on an unknown libc, where the binary does not load, everything answers', async () => {
  const folder = withoutBinary()
  for (const libc of ['gnu', 'musl'])
    writeFileSync(join(folder, `netns.linux-${process.arch}-${libc}.node`), '\x7fELF for another libc')
  const { why, remedy } = check(await run(EVERYTHING(join(folder, 'dist/index.js')), { bare: true }))
  expect(why).toContain('does not load here')
  expect(remedy).toContain('glibc')
})

test.each(['esm', 'cjs'] as const)('I8: bundled into one %s file everything answers', async (format) => {
  const outfile = join(mkdtempSync('/run/netns-bundle-'), format === 'esm' ? 'app.mjs' : 'app.cjs')
  const stdin = { contents: "export * from 'node-netns'", resolveDir: root }
  await build({ stdin, outfile, format, bundle: true, platform: 'node', logLevel: 'error' })
  const { why, remedy } = check(await run(EVERYTHING(outfile), { bare: true }))
  expect(why).toContain('bundled')
  expect(remedy).toContain('--external:node-netns')
})

test('I8: with addons disabled everything answers', async () => {
  const { remedy } = check(await run(EVERYTHING('node-netns'), { flags: ['--no-addons'], bare: true }))
  expect(remedy).toContain('--allow-addons')
})

test('I8: a runtime without what all else stands on imports it, and is told at the first use', async () => {
  const source = `
    delete process.getBuiltinModule
    const { NetNs } = await import('node-netns')
    for (const call of [() => NetNs.current(), () => NetNs.home(), () => NetNs.createSync(), () => NetNs.fromPid(1)])
      try { console.log(call()) } catch (error) { console.log(error.name, error.code) }
    try { NetNs.current() } catch ({ message }) { console.log(message.includes('process.getBuiltinModule')) }
    try { NetNs.fromPath('') } catch ({ code }) { console.log(code) }
  `
  const told = 'NetnsError ERR_NETNS_RUNTIME'
  expect(await output(source, { bare: true })).toBe(
    [told, told, told, told, 'true', 'ERR_INVALID_ARG_VALUE'].join('\n')
  )
})

test('I8: importing loads nothing native, starts no thread, hooks nothing', async () => {
  const source = `
    import assert from 'node:assert/strict'
    import fs from 'node:fs'
    import { createRequire } from 'node:module'
    const require = createRequire('/')
    const names = ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises', 'child_process', 'worker_threads', 'os']
    // Every function of these modules and of their classes, none of which may be another afterwards.
    const functions = () => names.flatMap((name) => Object.values(require('node:' + name)).flatMap((value) =>
      typeof value === 'function' ? [value, ...Object.values(Object.getOwnPropertyDescriptors(value.prototype ?? {})).map((found) => found.value)] : []))
    const threads = () => fs.readdirSync('/proc/self/task').length
    await fs.promises.stat('/')
    const pristine = functions()
    const state = () => JSON.stringify([
      threads(), fs.readdirSync('/proc/self/fd').length, process.eventNames().map(String),
      Object.keys(globalThis),
      process.report.getReport().sharedObjects.filter((file) => file.includes('netns'))
    ])
    const before = state()
    // What Node's own loader starts, libuv's pool, is no doing of ours.
    const { NetNs } = await import('node-netns')
    assert.equal(state(), before)
    assert.deepEqual(functions(), pristine)
    assert(!state().includes('.node'))
    NetNs.current()
    assert(state().includes('.node'))
    console.log('nothing')
  `
  expect(await output(source, { bare: true })).toBe('nothing')
})
