/** What the tests of commands share. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Child, NetNs } from 'node-netns'

/** Child processes of this process, dead ones included, whoever started them. */
export function children(): string[] {
  return readdirSync('/proc/self/task').flatMap((task) => {
    try {
      return readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean)
    } catch {
      return [] // A thread that ended meanwhile.
    }
  })
}

/** How many descriptors this process has open. */
export function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** Whether nothing is left of any child: a moment after its end was told, its pidfd is open still. */
export function isChildless(): boolean {
  return children().length === 0 && !openFiles().some((file) => file.includes('pidfd'))
}

/** What this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((number) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`)
    } catch {
      return [] // That by which they were listed.
    }
  })
}

/** How many threads this process has. */
export function threads(): number {
  return readdirSync('/proc/self/task').length
}

/** The namespaces that threads of this process are in, each once. */
export function networksOfThreads(): string[] {
  const links = readdirSync('/proc/self/task').map((task) => readlinkSync(`/proc/self/task/${task}/ns/net`))
  return [...new Set(links)]
}

/** What a command says, without the last line's end. */
export async function said(namespace: NetNs, script: string, options = {}): Promise<string> {
  const { code, stdout, stderr } = await namespace.command('sh', ['-c', script], options).output()
  if (code !== 0) throw new Error(`${script}: ${code}: ${stderr}`)
  return stdout.toString().trimEnd()
}

/** How a child fares: its events in order, with what they say. */
export function events(child: Child): Promise<unknown[][]> {
  const seen: unknown[][] = []
  for (const name of ['spawn', 'error', 'exit']) child.on(name, (...args) => seen.push([name, ...args]))
  return new Promise((resolve) => {
    child.on('close', (...args) => resolve([...seen, ['close', ...args]]))
  })
}

/** What a child writes to a pipe. */
export function outputOf({ stdout }: Child): Readable {
  if (stdout === null) throw new Error('the child has no pipe')
  return stdout
}

/** The first line a child says. */
export function firstLine(child: Child): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    child.stdout?.on('data', (chunk) => {
      text += chunk
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
  })
}

/** Waits until something holds; the test's own time limit is the only one. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Whether a process is there and no zombie. */
export function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Arguments for Node to run a TypeScript file beside the tests, which imports the built package. */
export function nodeArguments(file: string): string[] {
  return ['--import', 'tsx', fileURLToPath(new URL(file, import.meta.url))]
}

/** What such a file prints, in a mount namespace of its own after `script` prepared it. */
export function inMounts(script: string, file: string): unknown {
  const argv = ['--mount', '--propagation', 'private', 'sh', '-ec', `${script}\nexec "$@"`, 'sh', process.execPath]
  const root = fileURLToPath(new URL('../..', import.meta.url))
  return JSON.parse(execFileSync('unshare', [...argv, ...nodeArguments(file)], { cwd: root, encoding: 'utf8' }))
}
