import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as library from 'node-netns'
import { expect, test } from 'vitest'
import { output, root } from './helpers.ts'

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

test('the package exports what it says and nothing else', async () => {
  const paths = ['node-netns/dist/lib/netns.js', 'node-netns/native.cjs', 'node-netns/lib/netns.ts']
  const source = `
    console.log(Object.keys(await import('node-netns')).sort().join(' '))
    for (const path of process.argv.slice(1)) console.log(await import(path).catch(({ code }) => code))`
  const [names, ...codes] = (await output(source, { bare: true, args: paths })).split('\n')
  expect(names?.split(' ')).toEqual(['NetNs', 'NetnsError', 'probe'])
  expect(Object.keys(library).sort()).toEqual(names?.split(' '))
  expect(Object.keys(manifest.exports)).toEqual(['.', './register', './package.json'])
  expect(codes).toEqual(paths.map(() => 'ERR_PACKAGE_PATH_NOT_EXPORTED'))
})

test('importing loads one module and nothing of Node’s, and each part is loaded when it is first used', async () => {
  const source = `
    const { createRequire } = await import('node:module')
    const { basename, sep } = await import('node:path')
    const parts = () => Object.keys(createRequire('/').cache).filter((file) => file.includes(sep + 'dist' + sep))
      .map((file) => basename(file, '.cjs').replace(/-.*$/, '')).join(' ')
    // What Node's own loader needs for any file, it has then.
    await import('./bench/peers/programs/empty.mjs')
    const before = process.moduleLoadList.length
    const { NetNs } = await import('node-netns')
    const told = [process.moduleLoadList.slice(before).join(' '), parts()]
    const ns = NetNs.createSync()
    ns.links
    told.push(parts())
    await ns.command('true').status()
    told.push(parts())
    await ns.run(async () => {})
    told.push(parts())
    ns.rules
    told.push(parts(), NetNs.name, ns.links.constructor.name)
    console.log(told.join(', '))
  `
  const links = 'config shared shared'
  expect(await output(source, { bare: true })).toBe(
    `, , ${links}, ${links} command, ${links} command context, ${links} command context further, NetNs, Links`
  )
})

test('however it is loaded, and by whichever loader, it is one library in one process', async () => {
  const source = `
    const imported = await import('node-netns')
    const { createRequire } = await import('node:module')
    const required = createRequire(import.meta.url)('node-netns')
    const again = await import(import.meta.resolve('node-netns') + '?again')
    const ns = required.NetNs.createSync()
    console.log(required.NetNs === imported.NetNs, again.NetNs === imported.NetNs, again.NetnsError === imported.NetnsError,
      ns.run(() => again.NetNs.current().equals(ns)))
  `
  for (const loader of [[], ['--import', 'tsx']])
    for (const preload of [[], ['--import', 'node-netns/register']])
      expect(await output(source, { bare: true, flags: ['--no-warnings', ...loader, ...preload] })).toBe(
        'true true true true'
      )
})

test('what is built is one library under a loader that compiles TypeScript too', async () => {
  const source = `
    const { NetNs, NetnsError } = await import('node-netns')
    const ns = NetNs.createSync()
    const links = await ns.links.list()
    const refused = await ns.links.delete('none').catch((error) => error instanceof NetnsError)
    console.log(links[0].name, refused, ns.run(() => NetNs.current().equals(ns)), ns.runSync(() => NetNs.current().equals(ns)))
  `
  expect(await output(source, { bare: true, flags: ['--import', 'tsx'] })).toBe('lo true true true')
})

test('the packed tarball holds what runs, and works where it is unpacked', async () => {
  const folder = mkdtempSync('/run/netns-pack-')
  const cache = join(folder, 'cache')
  const npm = ['pack', '--ignore-scripts', '--json', '--offline', '--cache', cache, '--pack-destination', folder]
  const [packed] = JSON.parse(
    execFileSync('npm', npm, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  )
  const files: string[] = packed.files.map(({ path }: { path: string }) => path)
  for (const file of ['package.json', 'dist/index.js', 'dist/index.d.ts', 'native.cjs', 'native.d.cts', 'LICENSE'])
    expect(files).toContain(file)
  expect(
    files.filter(
      (file) => !/^(dist|docs)\/|^native\.d?\.?cts?|^native\.cjs$|^[A-Z]+(\.md)?$|^package\.json$/.test(file)
    )
  ).toEqual([])
  writeFileSync(join(folder, 'package.json'), '{}')
  const modules = join(folder, 'node_modules')
  execFileSync('mkdir', ['-p', join(modules, 'node-netns')])
  execFileSync('tar', [
    '-xzf',
    join(folder, packed.filename),
    '-C',
    join(modules, 'node-netns'),
    '--strip-components=1'
  ])
  for (const name of [...Object.keys(manifest.dependencies ?? {}), '@leichtgewicht/ip-codec'])
    execFileSync('cp', ['-r', '--parents', name, modules], { cwd: join(root, 'node_modules') })
  const binary = readdirSync(root).find((file) => file.endsWith('.node')) as string
  const source = `
    const { createRequire } = await import('node:module')
    const { pathToFileURL } = await import('node:url')
    const packed = await import(pathToFileURL(createRequire(process.argv[1] + '/').resolve('node-netns')))
    assert(packed.NetNs !== NetNs)
    console.log(packed.NetNs.createSync().runSync(here) !== home, here() === home)
  `
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: join(root, binary) }
  expect(await output(source, { args: [folder], env })).toBe('true true')
})

test('the native part is at most 1.2 MB', () => {
  const binary = readdirSync(root).find((file) => file.endsWith('.node')) as string
  expect(readFileSync(join(root, binary)).length).toBeLessThanOrEqual(1.2 * 2 ** 20)
})
