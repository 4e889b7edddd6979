/** Runs a program to its end: `status` and `output`. */
import type { Socket } from 'node:net'
import { aborted } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { bufferExceeded, timedOut } from './errors.ts'
import { type Exit, type Launched, launch } from './launcher.ts'
import { Guard, isLimited } from './limits.ts'
import type { Checked } from './options.ts'
import { normalizeStdio, openPipes, PIPE, provePipes } from './stdio.ts'

/** How a child ended, and what it said. */
export interface Output extends Exit {
  /** What it wrote to its standard output, if that was a pipe. */
  stdout: Buffer
  /** What it wrote to its standard error, if that was a pipe. */
  stderr: Buffer
}

/** What one stream said so far. */
class Collector {
  readonly chunks: Buffer[] = []
  #length = 0

  constructor(stream: Socket | null | undefined, most: number, exceeded: () => void) {
    stream?.on('data', (chunk: Buffer) => {
      const room = most - this.#length
      this.#length += chunk.length
      if (room > 0) this.chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk)
      if (this.#length > most && room >= 0) exceeded()
    })
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

/** Runs a command; what it says is dropped. */
export function status(namespace: Namespace, checked: Checked): Promise<Exit> {
  return new Promise((resolve, reject) => {
    const run = new Run(namespace, checked, 'inherit')
    for (const stream of run.streams) stream?.resume()
    run.settled = (error, exit) => {
      for (const stream of run.streams) stream?.destroy()
      if (error) reject(error)
      else resolve(exit)
    }
  })
}

/** Runs a command and collects what it says. */
export function output(namespace: Namespace, checked: Checked): Promise<Output> {
  return new Promise((resolve, reject) => {
    const run = new Run(namespace, checked, 'pipe')
    const collect = (index: 1 | 2, name: 'stdout' | 'stderr') =>
      new Collector(run.streams[index], checked.maxBuffer, () => run.end(bufferExceeded(name)))
    const out = collect(1, 'stdout')
    const err = collect(2, 'stderr')
    for (const stream of run.streams.slice(3)) stream?.resume()
    run.settled = async (error, exit) => {
      // What was written before the end may still be on its way; a grandchild may hold the pipe for ever.
      if (error) for (const stream of run.streams) stream?.destroy()
      await Promise.all(run.streams.slice(1).map(closed))
      const said = { stdout: out.bytes, stderr: err.bytes }
      if (run.reason) reject(Object.assign(run.reason, said))
      else if (error) reject(error)
      else resolve({ ...exit, ...said })
    }
  })
}

function closed(stream: Socket | null): Promise<void> | undefined {
  if (stream === null || stream.closed) return undefined
  return new Promise((resolve) => stream.once('close', () => resolve()))
}

/** A child between its start and its end, with its limits. */
class Run {
  readonly streams: (Socket | null)[]
  /** Why it was ended before its time. */
  reason: Error | undefined
  /** Called once the child is gone. */
  settled: ((error: Error | undefined, exit: Exit) => void) | undefined
  readonly #child: Launched
  readonly #checked: Checked
  #guard: Guard | undefined

  constructor(namespace: Namespace, checked: Checked, usual: 'pipe' | 'inherit') {
    const { input, limits } = checked
    if (limits.signal?.aborted) throw aborted(limits.signal)
    const stdio = normalizeStdio(checked.stdio, usual)
    if (input !== undefined) stdio[0] = PIPE
    provePipes(namespace, stdio)
    const child = launch(namespace, checked, stdio, (told) => {
      if (told.what === 'ended') this.#over(this.reason, told.exit)
      else if (told.what === 'failed') this.#over(told.error, { code: null, signal: null })
    })
    this.streams = openPipes(stdio, child)
    // That the child does not read on is no failure: its exit tells how it went.
    for (const stream of this.streams) stream?.on('error', () => {})
    if (input === undefined) this.streams[0]?.end()
    else this.streams[0]?.end(input)
    this.#child = child
    this.#checked = checked
    if (isLimited(limits)) this.#guard = this.#watch()
  }

  /** Ends the child for a reason of the caller's. */
  end(reason: Error): void {
    if (this.reason !== undefined) return
    this.reason = reason
    this.#guard ??= this.#watch()
    this.#guard.end()
    this.#letGo()
  }

  #watch(): Guard {
    const { file, limits } = this.#checked
    return new Guard(this.#child, limits, (limit) => {
      const { signal, timeout } = limits
      this.reason ??= limit === 'signal' && signal ? aborted(signal) : timedOut(file, timeout)
      this.#letGo()
    })
  }

  /** A child that is ended may wait for ever for somebody to read what it says. */
  #letGo(): void {
    for (const stream of this.streams) stream?.resume()
  }

  #over(error: Error | undefined, exit: Exit): void {
    this.#guard?.release()
    this.settled?.(error, exit)
  }
}
