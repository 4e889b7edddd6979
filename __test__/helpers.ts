/** What the tests share. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Where the calling thread is, by the kernel's own word. */
export function here(): string {
  return readlinkSync('/proc/thread-self/ns/net')
}

/** Where the threads of this process are that are not at `home`. */
export function strays(home = here()): string[] {
  return readdirSync('/proc/self/task').flatMap((tid) => {
    try {
      const found = readlinkSync(`/proc/self/task/${tid}/ns/net`)
      return found === home ? [] : [found]
    } catch {
      return [] // it ended meanwhile
    }
  })
}

/** The names of this process's threads, sorted. */
export function threads(): string[] {
  return readdirSync('/proc/self/task')
    .flatMap((tid) => {
      try {
        return [readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim()]
      } catch {
        return []
      }
    })
    .sort()
}

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Mounts below a folder. */
export function mountsIn(folder: string): number {
  return readFileSync('/proc/self/mountinfo', 'utf8').split(folder).length - 1
}

/** All mounts but those below `/run`, where tests that run at the same time have their names. */
export function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => !line.split(' ')[4]?.startsWith('/run/'))
}

/** An empty directory for names, on the private `/run`. */
export function directory(): string {
  return mkdtempSync('/run/netns-test-')
}

/** The code of what `call` throws or rejects with. */
export async function codeOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return (error as { code?: unknown }).code ?? error
  }
  return 'no error'
}

/** Waits for what the kernel or the collector does in its own time. */
export async function eventually(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const until = Date.now() + 30_000
  while (!(await holds())) {
    if (Date.now() > until) return false
    await sleep(5)
  }
  return true
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface ProgramOptions {
  /** Flags of Node's own. */
  flags?: string[]
  /** A command that starts it. */
  wrapper?: string[]
  env?: NodeJS.ProcessEnv
  args?: string[]
  /** Without the prelude, so that nothing of the package is imported yet. */
  bare?: boolean
}

/** A Worker that has the built package as `library`, and `parentPort`, `workerData`, `here`. */
export function worker(source: string, workerData?: unknown): Worker {
  const prelude = `
    const { parentPort, workerData } = require('node:worker_threads')
    const here = () => require('node:fs').readlinkSync('/proc/thread-self/ns/net')
  `
  const main = `import('node-netns').then(async (library) => { const { NetNs } = library; ${source} })`
  // Without the flags of the test runner, which resolve the package to its sources.
  return new Worker(prelude + main, { eval: true, workerData, execArgv: [] })
}

/** The first message of a Worker. */
export async function message(from: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => from.once('message', resolve).once('error', reject))
}

/** What programs may use: the built package, and the means to look at themselves. */
const PRELUDE = `
  import { NetNs, probe } from 'node-netns'
  import * as fs from 'node:fs'
  import assert from 'node:assert/strict'
  const here = () => fs.readlinkSync('/proc/thread-self/ns/net')
  const home = here()
  const strays = () => fs.readdirSync('/proc/self/task').filter((tid) => {
    try { return fs.readlinkSync('/proc/self/task/' + tid + '/ns/net') !== home } catch { return false }
  })
`

/** Starts a program of its own process that imports the built package. */
export function program(source: string, options: ProgramOptions = {}) {
  const { flags = [], wrapper = [], env = {}, args = [], bare = false } = options
  const argv = [
    ...wrapper,
    process.execPath,
    ...flags,
    '--input-type=module',
    '-e',
    bare ? source : PRELUDE + source,
    '--',
    ...args
  ]
  const { NODE_OPTIONS: _vitests, ...inherited } = process.env
  return spawn(argv[0] as string, argv.slice(1), { cwd: root, env: { ...inherited, ...env } })
}

/** Runs such a program to its end. */
export async function run(source: string, options?: ProgramOptions): Promise<Ended> {
  const child = program(source, options)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** What a program prints, which must end well. */
export async function output(source: string, options?: ProgramOptions): Promise<string> {
  const { code, signal, stdout, stderr } = await run(source, options)
  if (code !== 0) throw new Error(`the program ended with ${code ?? signal}:\n${stderr}\n${stdout}`)
  return stdout.trim()
}
