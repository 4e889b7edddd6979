/** `ip monitor`: what changes, from a given moment on, without gaps and without repetitions. */
import { invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt, attemptAsync, native } from '../native.ts'
import { validateOptions, validateSignal } from '../validate.ts'
import { after, type Message, messageAt, noMessage, Reader } from '../wire/reader.ts'
import { Request } from '../wire/request.ts'
import { checkInteger } from './check.ts'
import { interrupted } from './errors.ts'
import { identified } from './identity.ts'
import { Known } from './known.ts'
import { ask, type MonitorGroup, type Names, type NetworkEvent, SOURCES, same, type Value } from './monitored.ts'
import { nameOf } from './names.ts'
import { later } from './operation.ts'
import { forEach, Pace } from './pace.ts'
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
/** `IFF_UP`. */
const IFF_UP = 1
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
  /** What links were called that have another name now, by index. */
  readonly #renamed: Names = new Map()
  /** Of all that there is its last message: it is read again when it is needed. */
  readonly #known = new Map<MonitorGroup, Known>()
  readonly #stop = () => this.#subscription.stop()
  /** What a comparison found. */
  #found: NetworkEvent[] = []
  #next = 0
  /** What the kernel told, and the message that was read last. */
  #changes: Reader | undefined
  #message = noMessage()
  /** The kernel may have dropped routes without a word. */
  #silent = false
  readonly #begun: Promise<void>
  #ready = false
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
    this.#namespace = namespace
    this.#groups = groups
    this.#signal = signal
    // Links are always watched: their names are part of the others, and the kernel drops a link's routes silently.
    this.#watched = [...new Set<MonitorGroup>(['link', ...groups])]
    for (const group of groups) this.#known.set(group, new Known())
    const multicast = Uint32Array.from(this.#watched.flatMap((group) => SOURCES[group].multicast))
    this.#subscription = attempt(() => new (native().NetlinkSubscription)(namespace.handle, multicast, buffer))
    signal?.addEventListener('abort', this.#stop, { once: true })
    this.#begun = this.#begin()
    holdChanges(namespace, this.#begun)
  }

  async #begin(): Promise<void> {
    await this.#compare(this.#watched)
    this.#ready = true
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<NetworkEvent, undefined>> {
    // An event that is there already takes one promise and no more: ten thousand may follow each other.
    const late = this.#pace.due
    if (!late && this.#steps === 0 && this.#ready && !this.#ended && !this.#signal?.aborted) {
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
    const found = this.#found[this.#next]
    if (found !== undefined) {
      this.#next++
      return found
    }
    // What goes by a link's old name comes first.
    while (this.#changes !== undefined && this.#renamed.size === 0) {
      const event = this.#read(this.#changes)
      if (event !== undefined) return event
      if (this.#pace.due) return undefined
    }
    return undefined
  }

  async #more(): Promise<void> {
    this.#found = []
    this.#next = 0
    if (this.#renamed.size > 0) return this.#tellRenamed()
    if (this.#changes !== undefined) return this.#pace.giveWay()
    if (this.#silent) {
      this.#silent = false
      return this.#compare(['route'])
    }
    const changes = await attemptAsync(() => this.#subscription.next())
    if (changes.stopped) {
      this.#signal?.throwIfAborted()
      this.#ended = true
    } else if (changes.overflow) {
      await this.#compare(this.#watched)
    } else {
      this.#changes = new Reader(changes.data)
      this.#message = noMessage()
    }
  }

  /** Reads the next message. */
  #read(reader: Reader): NetworkEvent | undefined {
    const message = this.#message
    if (!messageAt(reader, after(message), message)) {
      this.#changes = undefined
      return undefined
    }
    for (const group of this.#watched) {
      const { type, identity } = SOURCES[group]
      if (message.type !== type && message.type !== type + 1) continue
      const length = identity(reader, message)
      if (length === 0) return undefined
      const gone = message.type !== type
      // Routes that vanish with a link or an address are not told of.
      const down = group === 'link' && (gone || (reader.u32(message.start + 8) & IFF_UP) === 0)
      if ((down || (group === 'address' && gone)) && this.#groups.has('route')) this.#silent = true
      if (group === 'link' && !gone) this.#name(reader, message)
      return gone ? this.#forget(group, length, reader, message) : this.#note(group, length, reader, message)
    }
    return undefined
  }

  #forget(group: MonitorGroup, length: number, reader: Reader, message: Message): NetworkEvent | undefined {
    if (!this.#known.get(group)?.delete(identified, length)) return undefined
    const value = SOURCES[group].decode(reader, message, this.#names)
    return value && event('delete', group, value)
  }

  /** Remembers what a message tells, which is an event if it differs from what was known. */
  #note(group: MonitorGroup, length: number, reader: Reader, message: Message): NetworkEvent | undefined {
    const known = this.#known.get(group)
    if (known === undefined) return undefined
    const { bytes } = reader
    const { start, end } = message
    const at = known.find(identified, length)
    if (at !== 0 && known.equals(at, bytes, start, end)) return undefined
    const before = this.#ready && at !== 0 ? known.read(at) : undefined
    known.set(identified, length, bytes, start, end)
    if (!this.#ready) return undefined
    const value = SOURCES[group].decode(reader, message, this.#names)
    if (value === undefined) return undefined
    if (before === undefined) return event('add', group, value)
    return same(group, this.#recall(group, before), value) ? undefined : event('change', group, value)
  }

  #name(reader: Reader, message: Message): void {
    const name = nameOf(reader, message)
    if (name === undefined) return
    const index = reader.u32(message.start + 4)
    const before = this.#names.get(index)
    if (before !== undefined && before !== name && this.#ready) this.#renamed.set(index, before)
    this.#names.set(index, name)
  }

  /** A link's name is part of what goes by it, of which the kernel says nothing when the name changes. */
  async #tellRenamed(): Promise<void> {
    const before = new Map([...this.#names, ...this.#renamed])
    this.#renamed.clear()
    for (const [group, known] of this.#known) {
      await forEach(known.records(), (at) => {
        if (at === undefined) return
        const reader = known.read(at)
        const value = this.#recall(group, reader)
        if (value === undefined || same(group, this.#recall(group, reader, before), value)) return
        this.#found.push(event('change', group, value))
      })
    }
  }

  /** Reads what was known. */
  #recall(group: MonitorGroup, reader: Reader, names = this.#names): Value | undefined {
    const { type, decode } = SOURCES[group]
    return decode(reader, { type, item: 0, start: 0, end: reader.bytes.length }, names)
  }

  /** Asks how everything is now; what differs from what is known becomes events. */
  async #compare(groups: readonly MonitorGroup[], tries = TRIES): Promise<void> {
    // All are asked for in one go: the answers tell of this moment, even if this thread is busy when they come.
    const words = `monitor ${groups.join('s, ')}s`
    const request = new Request()
    for (const group of groups) ask(request, group)
    const answers = await later(dumpBytes(this.#namespace, request, words))
    for (const [i, { reader, interrupted: partial }] of answers.entries()) {
      const group = groups[i] as MonitorGroup
      // What was missed would look as if it were gone.
      if (partial && tries === 0) throw interrupted(`monitor ${group}s`, [])
      if (partial) await this.#compare([group], tries - 1)
      else await this.#compareGroup(group, reader)
      if (this.#renamed.size > 0) await this.#tellRenamed()
    }
  }

  async #compareGroup(group: MonitorGroup, reader: Reader): Promise<void> {
    const known = this.#known.get(group)
    const { type, identity } = SOURCES[group]
    known?.beginRound()
    const seeing = decodeAll(reader, (_, message) => {
      const length = message.type === type ? identity(reader, message) : 0
      if (length > 0 && group === 'link') this.#name(reader, message)
      const at = length > 0 ? (known?.find(identified, length) ?? 0) : 0
      if (at !== 0) known?.see(at)
      return undefined
    })
    await later(seeing)
    if (known === undefined) return
    await forEach(known.sweep(), (gone) => {
      const value = gone && this.#recall(group, gone)
      if (value !== undefined) this.#found.push(event('delete', group, value))
    })
    const noting = decodeAll(reader, (_, message) => {
      const length = message.type === type ? identity(reader, message) : 0
      const change = length > 0 ? this.#note(group, length, reader, message) : undefined
      if (change !== undefined) this.#found.push(change)
      return undefined
    })
    await later(noting)
  }
}

function event(type: NetworkEvent['type'], group: MonitorGroup, value: Value): NetworkEvent {
  return { type, group, value } as NetworkEvent
}
