/** A child as `child_process` has them. */
import { AsyncResource } from 'node:async_hooks'
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { aborted } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { noChannel } from './errors.ts'
import { type Exit, type Launched, launch, type Told } from './launcher.ts'
import { Guard, isLimited } from './limits.ts'
import type { Checked } from './options.ts'
import { signalNumber } from './signals.ts'
import { normalizeStdio, openPipes, PIPE, provePipes } from './stdio.ts'

/**
 * A program that was started natively: the streams, methods and events of a `ChildProcess`, but for messages, as there
 * is no channel. Its events come in the async context that started it.
 */
export class Child extends EventEmitter implements ChildProcess {
  /** The file, as it was given. */
  readonly spawnfile: string
  /** The file and the arguments. */
  readonly spawnargs: string[]
  /** Writes to the child, if that is a pipe. */
  readonly stdin: Socket | null
  /** Reads what the child writes, if that is a pipe. */
  readonly stdout: Socket | null
  /** Reads what the child writes to its standard error, if that is a pipe. */
  readonly stderr: Socket | null
  /** All its pipes, by the child's numbers. */
  readonly stdio: ChildProcess['stdio']
  /** Its exit code, once it exited; a negative errno if it could not be started. */
  exitCode: number | null = null
  /** The signal that ended it. */
  signalCode: NodeJS.Signals | null = null
  /** Whether {@link kill} sent it a signal. */
  killed = false
  /** There is no channel for messages. */
  readonly connected = false
  /** There is no channel for messages. */
  readonly channel = null

  readonly #resource = new AsyncResource('NETNSCHILD')
  readonly #checked: Checked
  #launched: Launched | undefined
  #guard: Guard | undefined
  #pid: number | undefined
  #spawned = false
  /** Its end and its pipes' ends, which `'close'` waits for. */
  #open = 1

  /** @internal */
  constructor(namespace: Namespace, checked: Checked) {
    super()
    this.#checked = checked
    this.spawnfile = checked.file
    this.spawnargs = checked.argv.slice()
    const streams = this.#start(namespace)
    this.stdin = streams[0] ?? null
    this.stdout = streams[1] ?? null
    this.stderr = streams[2] ?? null
    this.stdio = streams as unknown as ChildProcess['stdio']
    for (let index = 1; index < streams.length; index++) {
      const stream = streams[index]
      if (!stream) continue
      this.#open++
      stream.once('close', () => this.#close())
    }
    if (checked.input !== undefined) this.stdin?.end(checked.input)
  }

  /**
   * Its process id. The start goes on natively; read before `'spawn'`, this waits for it, well under a millisecond as a
   * rule. `undefined` if the child could not be started.
   */
  get pid(): number | undefined {
    if (this.#pid !== undefined || this.#launched === undefined) return this.#pid
    try {
      this.#pid = this.#launched.started()
    } catch {
      // The 'error' that is on its way tells why.
    }
    return this.#pid
  }

  /** As every emitter's; that somebody listens for `'spawn'` is what makes it be told of. */
  override on(event: string | symbol, listener: Parameters<EventEmitter['on']>[1]): this {
    if (event === 'spawn') this.#launched?.announce()
    return super.on(event, listener)
  }

  /** As {@link on}. */
  override addListener(event: string | symbol, listener: Parameters<EventEmitter['on']>[1]): this {
    return this.on(event, listener)
  }

  /** As {@link on}, but before those who listen already. */
  override prependListener(event: string | symbol, listener: Parameters<EventEmitter['on']>[1]): this {
    if (event === 'spawn') this.#launched?.announce()
    return super.prependListener(event, listener)
  }

  /**
   * Sends a signal, by pidfd: never to a stranger who has the pid now.
   *
   * @returns whether there was a child to send it to
   * @throws `ERR_UNKNOWN_SIGNAL`
   */
  kill(signal?: NodeJS.Signals | number): boolean {
    const number = signalNumber(signal)
    if (this.exitCode !== null || this.signalCode !== null || this.#launched === undefined) return false
    try {
      const sent = this.#launched.kill(number)
      this.killed ||= sent && number !== 0
      return sent
    } catch (error) {
      process.nextTick(() => this.#emit('error', error))
      return false
    }
  }

  /** The child keeps this process alive while it runs, as it does at first. */
  ref(): void {
    this.#launched?.ref(true)
  }

  /** The child keeps this process alive no more. */
  unref(): void {
    this.#launched?.ref(false)
  }

  /** Sends SIGTERM. */
  [Symbol.dispose](): void {
    if (!this.killed) this.kill()
  }

  /** There is no channel: as Node's, it fails. */
  send(...args: unknown[]): boolean {
    const callback = args.find((arg) => typeof arg === 'function')
    process.nextTick(() => (callback ? callback(noChannel()) : this.#emit('error', noChannel())))
    return false
  }

  /** There is no channel: as Node's, it fails. */
  disconnect(): void {
    this.#emit('error', noChannel())
  }

  #start(namespace: Namespace): (Socket | null)[] {
    const { stdio, input, limits } = this.#checked
    const wanted = normalizeStdio(stdio, 'pipe')
    if (input !== undefined) wanted[0] = PIPE
    provePipes(namespace, wanted)
    // A closed handle is the caller's mistake, not the child's.
    namespace.handle
    try {
      this.#launched = launch(namespace, this.#checked, wanted, (told) => this.#heard(told))
    } catch (error) {
      process.nextTick(() => this.#failed(error as Error))
      return Array.from(wanted, () => null)
    }
    if (isLimited(limits)) {
      this.#guard = new Guard(this.#launched, limits, (limit) => {
        this.killed = true
        if (limit === 'signal' && limits.signal) this.#emit('error', aborted(limits.signal))
      })
    }
    return openPipes(wanted, this.#launched)
  }

  #heard(told: Told): void {
    if (told.what === 'started') this.#started(told.pid)
    else if (told.what === 'failed') this.#failed(told.error)
    else this.#exited(told.exit, told.pid)
  }

  #started(pid: number | undefined): void {
    this.#pid = pid
    this.#spawned = true
    this.#emit('spawn')
  }

  #failed(error: Error): void {
    this.#guard?.release()
    this.exitCode = (error as NodeJS.ErrnoException).errno ?? -1
    for (const stream of this.stdio) stream?.destroy()
    this.#emit('error', error)
    this.#close()
  }

  #exited(exit: Exit, pid: number | undefined): void {
    this.#guard?.release()
    if (this.#spawned) {
      this.#ended(exit)
      return
    }
    // It ended before the start was told of, or nobody wanted to hear of that. The end has a turn of its own, as otherwise
    // what a listener throws of the one would be lost if one of the other throws too.
    process.nextTick(() => this.#ended(exit))
    this.#started(pid)
  }

  #ended({ code, signal }: Exit): void {
    this.exitCode = code
    this.signalCode = signal
    this.stdin?.destroy()
    this.#emit('exit', code, signal)
    // Whoever wanted to read has begun by now; the rest must flow, or it never ends.
    process.nextTick(() => {
      for (const stream of this.stdio) if (stream && 'readable' in stream && stream.readable) stream.resume()
    })
    this.#close()
  }

  #close(): void {
    this.#open--
    if (this.#open === 0) this.#emit('close', this.exitCode, this.signalCode)
  }

  #emit(event: string, ...args: unknown[]): void {
    this.#resource.runInAsyncScope(() => this.emit(event, ...args))
  }
}
