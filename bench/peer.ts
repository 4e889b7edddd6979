/** A long-lived process that performs operations on request, one round at a time. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { PeerCommand } from './suite.ts'

export class Peer {
  readonly #command: PeerCommand
  #child: ChildProcessByStdio<Writable, Readable, null>
  #lines: AsyncIterator<string>

  constructor(command: PeerCommand) {
    this.#command = command
    this.#child = start(command)
    this.#lines = linesOf(this.#child)
  }

  /** The next round is that of a new process. */
  async restart(): Promise<void> {
    await this.end()
    this.#child = start(this.#command)
    this.#lines = linesOf(this.#child)
  }

  /** The microseconds that an operation of each batch took. */
  async round(operation: string, batches: number, size: number): Promise<number[]> {
    this.#child.stdin.write(`${operation} ${batches} ${size}\n`)
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`${this.#child.spawnfile} ended during ${operation}`)
    if (value.startsWith('!')) throw new Error(`${operation}: ${value.slice(2)}`)
    return value.split(' ').map((nanoseconds: string) => Number(nanoseconds) / 1000)
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.stdin.end()
    await once(this.#child, 'exit')
  }
}

function start({ file, args }: PeerCommand): ChildProcessByStdio<Writable, Readable, null> {
  return spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
}

function linesOf(child: { stdout: Readable }): AsyncIterator<string> {
  return createInterface({ input: child.stdout })[Symbol.asyncIterator]()
}

/** Whether what the peer needs is on this machine. */
export function available({ needs }: PeerCommand): boolean {
  if (needs === undefined) return true
  if (!needs.startsWith('/')) return spawnSync('sh', ['-c', `command -v ${needs}`]).status === 0
  try {
    accessSync(needs, constants.X_OK)
    return true
  } catch {
    return false
  }
}
