/**
 * `npm run check:package`: packs the package and looks at it as users get it: what publint and attw say, that it installs
 * and imports in an empty project, what TypeScript says of its declarations there, that it says what is missing without its
 * native part, and that it is small.
 */
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepare, root, tool } from './prepare.mjs'

/** Bytes of the native addon. */
const LARGEST_ADDON = 1_200_000

prepare()
const folder = mkdtempSync(join(tmpdir(), 'node-netns-'))
const addon = readdirSync(root).find((file) => file.endsWith('.node'))
let failed = 0

try {
  const tarball = pack()
  check('publint finds nothing wrong', () => execute(tool('publint'), ['run', tarball, '--strict']))
  check('the types resolve for ESM users (attw)', () =>
    // The profile leaves out Node 10's resolution, which knows no `#native`, but not this rule's verdict on it.
    execute(tool('attw'), [
      tarball,
      '--profile',
      'esm-only',
      '--no-emoji',
      '--ignore-rules',
      'internal-resolution-error'
    ])
  )
  check('only what users need is packed', () => checkContents(tarball))
  check('it installs and imports, and says what is missing without a native part', () => checkWithout(tarball))
  check('its types hold for whoever has libraries checked too', checkTypes)
  check('with its native part it works', checkWith)
  check('the native part is small', checkSize)
  check('every platform has its package in npm/', checkPlatforms)
} finally {
  rmSync(folder, { recursive: true })
}
process.exitCode = failed === 0 ? 0 : 1

function check(claim, prove) {
  try {
    prove()
    console.log(`ok: ${claim}`)
  } catch (error) {
    failed++
    console.error(`FAILED: ${claim}\n${error.stdout ?? ''}${error.stderr ?? error.stack}`)
  }
}

function execute(command, args, options = {}) {
  return execFileSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options })
}

function pack() {
  // `prepare()` has built it: npm's own life cycle would only print between the JSON.
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [{ filename }] = JSON.parse(execute('npm', args))
  return join(folder, filename)
}

function checkContents(tarball) {
  const files = execute('tar', ['-tzf', tarball]).trim().split('\n')
  const expected = /^package\/(dist\/|docs\/[^/]+\.md$|native\.(cjs|d\.cts)$|package\.json$|[A-Z]+(\.md)?$)/
  const strangers = files.filter((file) => !expected.test(file))
  if (strangers.length > 0) throw new Error(`these do not belong there: ${strangers.join(', ')}`)
  for (const needed of ['dist/index.js', 'dist/index.d.ts', 'native.cjs', 'LICENSE', 'README.md']) {
    if (!files.includes(`package/${needed}`)) throw new Error(`${needed} is missing`)
  }
}

function checkWithout(tarball) {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
  execute('npm', ['install', '--no-audit', '--no-fund', '--omit=optional', tarball], { cwd: folder })
  program(`
    import { NetNs, probe } from 'node-netns'
    import { equal } from 'node:assert/strict'
    equal((await probe()).supported, false)
    try {
      NetNs.current()
      throw new Error('there is no native part to do that with')
    } catch (error) {
      equal(error.code, 'ERR_NETNS_UNSUPPORTED')
    }`)
}

/** In ES modules, in CommonJS, and as bundlers resolve them. */
function checkTypes() {
  const text = `
    import 'node-netns/register'
    import { type Link, NetNs, NetnsError } from 'node-netns'
    export const red: NetNs = NetNs.createSync()
    export const links: Promise<Link[]> = red.run(async () => red.links.list())
    export const handler: (a: string) => number = red.bind((a: string) => a.length)
    export const code: string = new NetnsError({ code: 'EPERM', message: '' }).code`
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--skipLibCheck', 'false']
  for (const [file, module, resolution] of [
    ['user.mts', 'nodenext', 'nodenext'],
    ['user.cts', 'nodenext', 'nodenext'],
    ['user.ts', 'esnext', 'bundler']
  ]) {
    writeFileSync(join(folder, file), text)
    const resolved = ['--target', 'es2022', '--lib', 'es2022', '--module', module, '--moduleResolution', resolution]
    execute(tool('tsc'), [...strict, ...types, ...resolved, file], { cwd: folder })
  }
}

/** The platform's package, laid out as the registry delivers it. */
function checkWith() {
  const platform = addon.replace(/^netns\.(.*)\.node$/, '$1')
  const name = `node-netns-${platform}`
  const target = join(folder, 'node_modules', name)
  mkdirSync(target)
  const template = join(root, 'npm', platform, 'package.json')
  cpSync(template, join(target, 'package.json'))
  cpSync(join(root, addon), join(target, addon))
  program(
    `
    import { NetNs, probe } from 'node-netns'
    import { equal } from 'node:assert/strict'
    equal((await probe()).supported, true)
    using here = NetNs.current()
    equal(here.equals(NetNs.home()), true)`.replace('using ', 'const ')
  )
}

function program(text) {
  const file = join(folder, 'program.mjs')
  writeFileSync(file, text)
  execute(process.execPath, [file], { cwd: folder, env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: undefined } })
}

function checkSize() {
  const { size } = statSync(join(root, addon))
  if (size > LARGEST_ADDON) throw new Error(`${addon} has ${size} bytes, more than ${LARGEST_ADDON}`)
}

function checkPlatforms() {
  const { napi, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const folders = napi.targets.map((target) => {
    const [arch, , , libc] = target.split('-')
    return `linux-${arch === 'x86_64' ? 'x64' : 'arm64'}-${libc}`
  })
  for (const platform of folders) {
    const file = join(root, 'npm', platform, 'package.json')
    if (!existsSync(file)) throw new Error(`npm/${platform} is missing: npx napi create-npm-dirs --npm-dir npm`)
    if (JSON.parse(readFileSync(file, 'utf8')).version !== version) throw new Error(`npm/${platform} is not ${version}`)
  }
}
