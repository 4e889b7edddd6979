/** A long-lived process that performs operations on request, one round at a time. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { PeerCommand } from './suite.ts'

export class Peer {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>

  constructor({ file, args }: PeerCommand) {
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
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
