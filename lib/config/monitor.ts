/** `ip monitor`: what changes, from a given moment on, without gaps and without repetitions. */
import { interrupted, invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt, attemptAsync, native } from '../native.ts'
import { validateOptions, validateSignal } from '../validate.ts'
import { type Message, messages, Reader } from '../wire/reader.ts'
import { checkInteger } from './check.ts'
import type { Link } from './link.ts'
import { ask, type MonitorGroup, type Names, type NetworkEvent, printOf, SOURCES, type Value } from './monitored.ts'
import { Pace } from './pace.ts'
import { decodeAll, dumpBytes, holdChanges } from './transport.ts'

/** What to monitor. */
export interface MonitorOptions {
  /** Default: all but `neighbour`. */
  groups?: MonitorGroup[]
  /** Ends it: the next step throws the signal's reason. */
  signal?: AbortSignal
  /** Bytes of events that the kernel may hold for us. When they overflow, a dump tells what was missed. Default 4 MiB. */
  buffer?: number
}

const GROUPS = Object.keys(SOURCES) as MonitorGroup[]
const ROOM = 4 * 1024 * 1024
/** How often a comparison is tried again that changes kept interrupting. */
const TRIES = 5

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
  readonly #namespace: Namespace
  readonly #groups: ReadonlySet<MonitorGroup>
  readonly #watched: MonitorGroup[]
  readonly #signal: AbortSignal | undefined
  readonly #subscription
  readonly #names: Names = new Map()
  readonly #known = new Map<MonitorGroup, Map<string, { value: Value; print: string }>>()
  readonly #stop = () => this.#subscription.stop()
  #queue: NetworkEvent[] = []
  #next = 0
  #begun: Promise<void>
  #turn: Promise<unknown> = Promise.resolve()
  #ended = false
  readonly #pace = new Pace()

  constructor(
    namespace: Namespace,
    groups: ReadonlySet<MonitorGroup>,
    signal: AbortSignal | undefined,
    buffer: number
  ) {
    this.#namespace = namespace
    this.#groups = groups
    this.#signal = signal
    // Links are always watched: their names are part of the others, and the kernel drops a link's routes silently.
    this.#watched = [...new Set<MonitorGroup>(['link', ...groups])]
    const multicast = Uint32Array.from(this.#watched.flatMap((group) => SOURCES[group].multicast))
    this.#subscription = attempt(() => new (native().NetlinkSubscription)(namespace.handle, multicast, buffer))
    signal?.addEventListener('abort', this.#stop, { once: true })
    this.#begun = this.#resync()
    holdChanges(namespace, this.#begun)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<NetworkEvent, undefined>> {
    const result = this.#turn.then(() => this.#step())
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

  async #step(): Promise<IteratorResult<NetworkEvent, undefined>> {
    try {
      await this.#begun
      while (!this.#ended) {
        this.#signal?.throwIfAborted()
        const event = this.#queue[this.#next]
        if (event !== undefined) {
          this.#next++
          // Whoever loops over events that wait already would never let go of this thread.
          if (this.#pace.due) await this.#pace.giveWay()
          return { done: false, value: event }
        }
        this.#queue = []
        this.#next = 0
        await this.#gather()
      }
      return { done: true, value: undefined }
    } catch (error) {
      this.#end()
      throw error
    }
  }

  async #gather(): Promise<void> {
    const changes = await attemptAsync(() => this.#subscription.next())
    if (changes.stopped) {
      this.#signal?.throwIfAborted()
      this.#ended = true
      return
    }
    if (changes.overflow) return this.#resync(this.#queue)
    let silent = false
    const reader = new Reader(changes.data)
    const pace = new Pace()
    for (const message of messages(reader)) {
      silent = this.#read(reader, message) || silent
      if (pace.due) await pace.giveWay()
    }
    // Routes that vanish with a link or an address are not told of.
    if (silent && this.#groups.has('route')) await this.#compare(['route'], this.#queue)
  }

  /** Says whether the kernel may have dropped routes without a word. */
  #read(reader: Reader, message: Message): boolean {
    for (const group of this.#watched) {
      const source = SOURCES[group]
      if (message.type !== source.type && message.type !== source.type + 1) continue
      const value = source.decode(reader, message, this.#names)
      if (value === undefined) return false
      const gone = message.type !== source.type
      if (group === 'link') this.#name(value as Link, gone)
      this.#note(group, value, gone, this.#queue)
      return (group === 'link' && (gone || !(value as Link).up)) || (group === 'address' && gone)
    }
    return false
  }

  #name(link: Link, gone: boolean): void {
    if (!gone) this.#names.set(link.index, link.name)
  }

  #note(group: MonitorGroup, value: Value, gone: boolean, events: NetworkEvent[] | undefined): void {
    const known = this.#knownOf(group)
    const key = SOURCES[group].key(value as never)
    const before = known.get(key)
    const event = (type: NetworkEvent['type']) => {
      if (this.#groups.has(group)) events?.push({ type, group, value } as NetworkEvent)
    }
    if (gone) {
      if (known.delete(key)) event('delete')
      return
    }
    const print = printOf(group, value)
    if (before?.print === print) return
    known.set(key, { value, print })
    event(before === undefined ? 'add' : 'change')
  }

  /** Asks how everything is now; what differs from what is known becomes events. */
  async #resync(events?: NetworkEvent[]): Promise<void> {
    await this.#compare(this.#watched, events)
  }

  async #compare(groups: readonly MonitorGroup[], events: NetworkEvent[] | undefined, tries = TRIES): Promise<void> {
    // All are asked for in one go: the answers tell of this moment, even if this thread is busy when they come.
    const words = `monitor ${groups.join('s, ')}s`
    const answers = await dumpBytes(this.#namespace, groups.map(ask), words)
    for (const [i, { reader, interrupted: partial }] of answers.entries()) {
      const group = groups[i] as MonitorGroup
      // What was missed would look as if it were gone.
      if (partial && tries === 0) throw interrupted(`monitor ${group}s`, [])
      if (partial) await this.#compare([group], events, tries - 1)
      else await this.#compareGroup(group, reader, events)
    }
  }

  async #compareGroup(group: MonitorGroup, reader: Reader, events: NetworkEvent[] | undefined): Promise<void> {
    const { decode } = SOURCES[group]
    const found = await decodeAll(reader, (r, message) => {
      const value = decode(r, message, this.#names)
      if (value !== undefined && group === 'link') this.#name(value as Link, false)
      return value
    })
    const keyOf = SOURCES[group].key as (value: Value) => string
    const pace = new Pace()
    const present = new Set<string>()
    for (const value of found) {
      present.add(keyOf(value))
      if (pace.due) await pace.giveWay()
    }
    for (const [key, { value }] of this.#knownOf(group)) {
      if (!present.has(key)) this.#note(group, value, true, events)
      if (pace.due) await pace.giveWay()
    }
    for (const value of found) {
      this.#note(group, value, false, events)
      if (pace.due) await pace.giveWay()
    }
  }

  #knownOf(group: MonitorGroup): Map<string, { value: Value; print: string }> {
    const known = this.#known.get(group) ?? new Map()
    this.#known.set(group, known)
    return known
  }
}
