/** `ip monitor`: what changes, from a given moment on, without gaps and without repetitions. */
import { invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt, attemptAsync, native } from '../native.ts'
import { validateOptions, validateSignal } from '../validate.ts'
import { after, messageAt, noMessage, Reader } from '../wire/reader.ts'
import { checkInteger } from './check.ts'
import { type MonitorGroup, type NetworkEvent, SOURCES } from './monitored.ts'
import { Pace } from './pace.ts'
import { Picture } from './picture.ts'
import { holdChanges } from './transport.ts'

/** What to monitor. */
export interface MonitorOptions<Group extends MonitorGroup = MonitorGroup> {
  /** Default: all but `neighbour`. */
  groups?: readonly Group[] | undefined
  /** Ends it: the next step throws the signal's reason. */
  signal?: AbortSignal | undefined
  /** Bytes of events that the kernel may hold for us. When they overflow, a dump tells what was missed. Default 4 MiB. */
  buffer?: number | undefined
}

const GROUPS = Object.keys(SOURCES) as MonitorGroup[]
const ROOM = 4 * 1024 * 1024

/**
 * Changes from the call on.
 *
 * @throws `ERR_INVALID_ARG_VALUE` for an unknown group; `EPERM` without the privilege to enter the namespace
 */
export function monitor(namespace: Namespace, options?: MonitorOptions): AsyncIterableIterator<NetworkEvent> {
  const { groups = GROUPS.filter((group) => group !== 'neighbour'), signal, buffer = ROOM } = validateOptions(options)
  if (!Array.isArray(groups)) throw invalidType('options.groups', 'an instance of Array', groups)
  for (const group of groups) {
    if (!Object.hasOwn(SOURCES, group)) throw invalidValue('options.groups', group, `known are ${GROUPS.join(', ')}`)
  }
  checkInteger(buffer, 'options.buffer', 2048, 2 ** 30)
  validateSignal(signal)?.throwIfAborted()
  return new Monitor(namespace, new Set(groups), signal, buffer)
}

class Monitor implements AsyncIterableIterator<NetworkEvent> {
  readonly #picture: Picture
  readonly #signal: AbortSignal | undefined
  readonly #subscription
  readonly #stop = () => this.#subscription.stop()
  /** What the kernel told, and the message that was read last. */
  #changes: Reader | undefined
  #message = noMessage()
  readonly #begun: Promise<void>
  #turn: Promise<unknown> = Promise.resolve()
  #steps = 0
  #ended = false
  readonly #pace = new Pace()

  constructor(
    namespace: Namespace,
    groups: ReadonlySet<MonitorGroup>,
    signal: AbortSignal | undefined,
    buffer: number
  ) {
    this.#signal = signal
    this.#picture = new Picture(namespace, groups)
    const multicast = Uint32Array.from(this.#picture.watched.flatMap((group) => SOURCES[group].multicast))
    this.#subscription = attempt(() => new (native().NetlinkSubscription)(namespace.handle, multicast, buffer))
    signal?.addEventListener('abort', this.#stop, { once: true })
    this.#begun = this.#picture.begin()
    holdChanges(namespace, this.#begun)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<NetworkEvent, undefined>> {
    // An event that is there already takes one promise and no more: ten thousand may follow each other.
    const late = this.#pace.due
    if (!late && this.#steps === 0 && this.#picture.ready && !this.#ended && !this.#signal?.aborted) {
      const value = this.#take()
      if (value !== undefined) return Promise.resolve({ done: false, value })
    }
    this.#steps++
    const result = this.#turn.then(() => this.#step(late))
    this.#turn = result.catch(() => undefined)
    return result
  }

  async return(): Promise<IteratorResult<NetworkEvent, undefined>> {
    this.#end()
    return { done: true, value: undefined }
  }

  #end(): void {
    this.#ended = true
    this.#signal?.removeEventListener('abort', this.#stop)
    this.#subscription.stop()
  }

  async #step(late: boolean): Promise<IteratorResult<NetworkEvent, undefined>> {
    try {
      await this.#begun
      // Whoever loops over events that wait already would never let go of this thread.
      if (late) await this.#pace.giveWay()
      while (!this.#ended) {
        this.#signal?.throwIfAborted()
        const value = this.#take()
        if (value !== undefined) return { done: false, value }
        await this.#more()
      }
      return { done: true, value: undefined }
    } catch (error) {
      this.#end()
      throw error
    } finally {
      this.#steps--
    }
  }

  /** The next event of those that are there; none if there is none, or others must have their turn first. */
  #take(): NetworkEvent | undefined {
    const found = this.#picture.next()
    if (found !== undefined) return found
    // What goes by a link's old name comes first.
    while (this.#changes !== undefined && !this.#picture.isRenamed) {
      const event = this.#read(this.#changes)
      if (event !== undefined) return event
      if (this.#pace.due) return undefined
    }
    return undefined
  }

  /** Reads the next message. */
  #read(reader: Reader): NetworkEvent | undefined {
    const message = this.#message
    if (messageAt(reader, after(message), message)) return this.#picture.read(reader, message)
    this.#changes = undefined
    return undefined
  }

  async #more(): Promise<void> {
    if (this.#picture.isRenamed) return this.#picture.tellRenamed()
    if (this.#changes !== undefined) return this.#pace.giveWay()
    if (this.#picture.isSilent) return this.#picture.compareRoutes()
    const changes = await attemptAsync(() => this.#subscription.next())
    if (changes.stopped) {
      this.#signal?.throwIfAborted()
      this.#ended = true
    } else if (changes.overflow) {
      await this.#picture.compare()
    } else {
      this.#changes = new Reader(changes.data)
      this.#message = noMessage()
    }
  }
}
