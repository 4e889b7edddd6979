/** The network of a namespace as a monitor knows it: whatever changes the picture is an event. */
import type { Namespace } from '../namespace.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { Request } from '../wire/request.ts'
import { interrupted } from './errors.ts'
import { identified } from './identity.ts'
import { Known } from './known.ts'
import { ask, type MonitorGroup, type Names, type NetworkEvent, SOURCES, same, type Value } from './monitored.ts'
import { nameOf } from './names.ts'
import { later } from './operation.ts'
import { forEach } from './pace.ts'
import { decodeAll, dumpBytes } from './transport.ts'

/** `IFF_UP`. */
const IFF_UP = 1
/** How often a comparison is tried again that changes kept interrupting. */
const TRIES = 5

/** What is known, and how it changes. */
export class Picture {
  /** The groups that it has to follow. */
  readonly watched: readonly MonitorGroup[]
  readonly #namespace: Namespace
  readonly #groups: ReadonlySet<MonitorGroup>
  readonly #names: Names = new Map()
  /** What links were called that have another name now, by index. */
  readonly #renamed: Names = new Map()
  /** Of all that there is its last message: it is read again when it is needed. */
  readonly #known = new Map<MonitorGroup, Known>()
  /** What comparisons found, and how much of it was told. */
  #found: NetworkEvent[] = []
  #told = 0
  /** The kernel may have dropped routes without a word. */
  #silent = false
  #ready = false

  /** @param groups - whose changes are events */
  constructor(namespace: Namespace, groups: ReadonlySet<MonitorGroup>) {
    this.#namespace = namespace
    this.#groups = groups
    // Links are always watched: their names are part of the others, and the kernel drops a link's routes silently.
    this.watched = [...new Set<MonitorGroup>(['link', ...groups])]
    for (const group of groups) this.#known.set(group, new Known())
  }

  /** Looks for the first time, at what is no event. */
  async begin(): Promise<void> {
    await this.compare()
    this.#ready = true
  }

  /** Whether what differs is an event by now. */
  get ready(): boolean {
    return this.#ready
  }

  /** Whether links have other names, of which is to be told first. */
  get isRenamed(): boolean {
    return this.#renamed.size > 0
  }

  /** Whether routes may have gone without a word. */
  get isSilent(): boolean {
    return this.#silent
  }

  /** The next event that a comparison found. */
  next(): NetworkEvent | undefined {
    const event = this.#found[this.#told]
    if (event !== undefined) {
      this.#told++
    } else if (this.#told > 0) {
      this.#found = []
      this.#told = 0
    }
    return event
  }

  /** What a message of the kernel's changes, which is an event if it is wanted and was not known. */
  read(reader: Reader, message: Message): NetworkEvent | undefined {
    for (const group of this.watched) {
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
  async tellRenamed(): Promise<void> {
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

  /** Looks which routes have gone. */
  compareRoutes(): Promise<void> {
    this.#silent = false
    return this.compare(['route'])
  }

  /** Asks how everything is now; what differs from what is known becomes events. */
  async compare(groups = this.watched, tries = TRIES): Promise<void> {
    // All are asked for in one go: the answers tell of this moment, even if this thread is busy when they come.
    const words = `monitor ${groups.join('s, ')}s`
    const request = new Request()
    for (const group of groups) ask(request, group)
    const answers = await later(dumpBytes(this.#namespace, request, words))
    for (const [i, { reader, interrupted: partial }] of answers.entries()) {
      const group = groups[i] as MonitorGroup
      // What was missed would look as if it were gone.
      if (partial && tries === 0) throw interrupted(`monitor ${group}s`, [])
      if (partial) await this.compare([group], tries - 1)
      else await this.#compareGroup(group, reader)
      if (this.isRenamed) await this.tellRenamed()
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
