/** Installs and builds what is missing or out of date, and nothing else, so that a second run starts in a moment. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamps = join(root, 'node_modules', '.netns')

/** Ends the process with what is missing and how to get it. */
export function fail(what, remedy) {
  console.error(`\n${what}\n  ${remedy}\n`)
  process.exit(1)
}

/** Runs a command in the project's folder; its failure is ours. */
export function run(command, args, options = {}) {
  const { error, status, signal, stdout } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) fail(`${command} cannot be run: ${error.message}`, 'Install it, or look at your PATH.')
  if (status !== 0 && stdout !== null) process.stdout.write(stdout)
  if (signal) process.kill(process.pid, signal)
  if (status !== 0) process.exit(status ?? 1)
}

/** The folder of dependencies, the native addon and the compiled TypeScript, all as new as their sources. */
export function prepare() {
  checkMachine()
  useWritableHome()
  once('dependencies', ['package.json', 'package-lock.json'], () => {
    console.log('Installing the dependencies (npm ci) …')
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
  })
  once('native', ['Cargo.toml', 'Cargo.lock', 'crates', 'package.json'], buildNative)
  once(
    'typescript',
    [
      ...['index.ts', 'register.ts', 'lib', 'tsconfig.json', 'tsconfig.build.json', 'native.d.cts'],
      ...['scripts/bundle.mjs', 'scripts/at-once.mjs']
    ],
    () => {
      rmSync(join(root, 'dist'), { recursive: true, force: true })
      run(tool('tsc'), ['-p', 'tsconfig.build.json'])
      run(process.execPath, [join(root, 'scripts', 'bundle.mjs')])
    }
  )
}

/** The path of a command that a development dependency brings. */
export function tool(name) {
  return join(root, 'node_modules', '.bin', name)
}

function buildNative() {
  checkRust()
  console.log('Building the native part (about half a minute the first time) …')
  const crate = ['--manifest-path', 'crates/netns-node/Cargo.toml', '--package-json-path', 'package.json']
  // Not here at once, as it makes a directory beside that of its output, where this user may not write.
  const folder = join('target', 'napi')
  const output = ['-o', folder, '--js', 'native.cjs', '--dts', 'native.d.cts']
  // What it says is worth reading when it fails.
  const quiet = { stdio: ['ignore', 'pipe', 'inherit'] }
  run(tool('napi'), ['build', '--platform', '--release', ...crate, ...output, '--', '--locked', '--quiet'], quiet)
  for (const file of outputs.native) {
    // A program may run on the one there is.
    rmSync(join(root, file), { force: true })
    cpSync(join(root, folder, file), join(root, file))
  }
}

function checkMachine() {
  if (process.platform !== 'linux') {
    fail('Network namespaces need Linux.', 'Run this in a Linux virtual machine or container.')
  }
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node.js ${process.versions.node} is too old.`, 'Install Node.js 20.19 or newer: https://nodejs.org')
  }
}

/** Whoever needs Rust calls this before, so that the lack of it is said in words. */
export function checkRust() {
  const found = spawnSync('cargo', ['--version'], { encoding: 'utf8' })
  const [, major, minor] = /^cargo (\d+)\.(\d+)/.exec(found.stdout ?? '') ?? []
  if (major === undefined) fail('Rust is missing: `cargo` cannot be run.', 'Install it: https://rustup.rs')
  if (Number(major) === 1 && Number(minor) < 88) fail(`Rust 1.${minor} is too old.`, 'Run: rustup update stable')
  if (spawnSync('cc', ['--version']).error) {
    fail('A linker is missing: `cc` cannot be run.', 'Install a C compiler, as by: apt install gcc libc6-dev')
  }
}

/** An account without a home of its own can still install and build: its caches go beside the build. */
function useWritableHome() {
  try {
    accessSync(homedir(), constants.W_OK)
  } catch {
    const home = join(root, 'target', 'home')
    mkdirSync(home, { recursive: true })
    Object.assign(process.env, {
      HOME: home,
      npm_config_cache: join(home, 'npm'),
      npm_config_userconfig: join(home, '.npmrc')
    })
    process.env.CARGO_HOME ??= join(home, 'cargo')
  }
}

/** Does `work` unless the contents of `sources` are those of the last time it succeeded. */
function once(name, sources, work) {
  const stamp = join(stamps, name)
  const present = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
  const before = digest(sources)
  if (present === before && outputs[name].every((file) => existsSync(join(root, file)))) return
  work()
  mkdirSync(stamps, { recursive: true })
  writeFileSync(stamp, digest(sources))
}

const outputs = {
  dependencies: ['node_modules/.bin'],
  native: ['native.cjs', 'native.d.cts', addon()],
  typescript: ['dist/index.js', 'dist/index.d.ts']
}

function addon() {
  const musl = !process.report?.getReport().header.glibcVersionRuntime
  return `netns.linux-${process.arch}-${musl ? 'musl' : 'gnu'}.node`
}

function digest(sources) {
  const hash = createHash('sha256').update(process.version.split('.')[0])
  for (const file of sources.flatMap(walk))
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function walk(path) {
  const full = join(root, path)
  if (!existsSync(full)) return []
  try {
    return readdirSync(full)
      .sort()
      .flatMap((entry) => walk(join(path, entry)))
  } catch (error) {
    if (error.code !== 'ENOTDIR') throw error
    return [path]
  }
}
