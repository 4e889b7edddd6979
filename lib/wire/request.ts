/** Netlink messages as they are written: host byte order, which is little-endian on every platform there is a build for. */
import type { Namespace } from '../namespace.ts'

/** A link by its index, or by a name that native code looks up when the message's turn comes. */
export type LinkTarget = number | string | PeerOf

/** The other end of a link, as of a veth, whatever namespace that is in. */
export interface PeerOf {
  /** The name of this end, in the namespace that the first of several requests is sent to. */
  readonly peerOf: string
}

/** `NETLINK_…`. */
export enum PROTOCOL {
  route = 0,
  netfilter = 12,
  generic = 16
}

/** `NLM_F_…`. */
export enum FLAG {
  request = 1,
  ack = 4,
  dump = 0x300,
  echo = 8,
  replace = 0x100,
  excl = 0x200,
  create = 0x400,
  append = 0x800
}

const HEADER = 16
const NESTED = 0x8000
/** What native code puts in when it sends a message. */
enum BLANK {
  link = 0,
  peer = 1,
  namespace = 2
}
/** Where a plan has what; see {@link Request.plan}. */
enum PLAN {
  protocol = 0,
  length = 1,
  last = 2,
  stepCount = 3,
  blankCount = 4,
  steps = 5,
  blanks = 11
}
const encoder = new TextEncoder()

/** Room for a few messages. */
const FEW = 512
/** One that was used; there are seldom two at once. */
let spare: Request | undefined

/**
 * One or more messages, one after the other, and what native code fills in when it sends them. Most are written by code
 * that has run a few times at most, so it is little code that a message takes: whole words at a time, no closures.
 */
export class Request {
  readonly protocol: number
  /** One acknowledgement stands for many messages. */
  acknowledgeLast = false
  /** Whom the messages are for, each in turn. */
  recipients: Namespace[] = []
  #bytes: Uint8Array
  #words: Uint32Array
  #length = 0
  #start = 0
  /** The numbers of {@link plan}. */
  #plan = new Uint32Array(PLAN.blanks + 12)
  #planned: number = PLAN.blanks
  /** Namespaces whose descriptors are filled in, and where the plan has their slots. */
  #namespaces: Namespace[] = []
  #places: number[] = []
  /** The numbers of the names in {@link names}, once there are two. */
  #numbers: Map<string, number> | undefined
  #names = ''

  constructor(protocol: number = PROTOCOL.route, size = FEW) {
    this.protocol = protocol
    this.#words = new Uint32Array((size + 3) >> 2)
    this.#bytes = new Uint8Array(this.#words.buffer)
  }

  /** One for few messages, which may have been used before: to make its buffers takes longer than to fill them. */
  static take(): Request {
    const taken = spare ?? new Request()
    spare = undefined
    return taken
  }

  /** Once it was handed over, and is used no more: it may be {@link take}n again. Returns `given`, what was got for it. */
  spent<T>(given: T): T {
    if (this.protocol !== PROTOCOL.route || this.#bytes.length > FEW) return given
    this.clear()
    spare = this
    return given
  }

  /** How many bytes are written. */
  get length(): number {
    return this.#length
  }

  /** Whom the messages are for, and whom they tell of: all that they change. */
  get concerned(): Namespace[] {
    return [...this.recipients, ...this.#namespaces]
  }

  /** What is written, until more is. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** What is written, and room behind it. Native code copies it at once, as it does the other two. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /**
   * What native code has to know about the bytes: the protocol, how many there are, whether one acknowledgement stands for
   * many messages, how many recipients there are, and how many numbers tell of blanks; two numbers for each of up to three
   * recipients, its slot and where what is for it ends; three numbers for each blank: its sort, where it is, and the number
   * of its name or the slot of its namespace.
   *
   * @throws `ERR_NETNS_CLOSED` if one of the namespaces is closed by now
   */
  get plan(): Uint32Array {
    const plan = this.#plan
    const { recipients } = this
    plan[PLAN.protocol] = this.protocol
    plan[PLAN.length] = this.#length
    plan[PLAN.last] = this.acknowledgeLast ? 1 : 0
    plan[PLAN.stepCount] = recipients.length
    plan[PLAN.blankCount] = this.#planned - PLAN.blanks
    // Not before: a slot is another namespace's soon after its own was closed.
    for (let i = 0; i < recipients.length; i++) plan[PLAN.steps + i * 2] = (recipients[i] as Namespace).slot
    for (let i = 0; i < this.#places.length; i++) {
      plan[this.#places[i] as number] = (this.#namespaces[i] as Namespace).slot
    }
    return plan
  }

  /** The links that blanks are about, each once, with NULs between them. */
  get names(): string {
    return this.#names
  }

  /** Begins a message. */
  begin(type: number, flags: number): this {
    const at = this.#length
    if (at + HEADER > this.#bytes.length) this.#grow(HEADER)
    this.#words[(at >> 2) + 1] = type | ((flags | FLAG.request) << 16)
    this.#start = at
    this.#length = at + HEADER
    return this
  }

  /** Ends the message that was begun last. */
  end(): this {
    this.#words[this.#start >> 2] = this.#length - this.#start
    this.#start = this.#length
    return this
  }

  /** What was written since the last time is for this namespace; nothing was, perhaps. Three times at most. */
  to(namespace: Namespace): this {
    const plan = this.#plan
    const at = PLAN.steps + this.recipients.length * 2
    if (this.#length === (at === PLAN.steps ? 0 : plan[at - 1])) return this
    this.recipients.push(namespace)
    plan[at + 1] = this.#length
    return this
  }

  /** Takes back what was written after the last whole message, as its arguments were wrong. */
  abandon(): void {
    this.#bytes.fill(0, this.#start, this.#length)
    this.#length = this.#start
    // Names that nothing refers to any more do no harm.
    while (this.#planned > PLAN.blanks && (this.#plan[this.#planned - 2] as number) >= this.#start) this.#planned -= 3
    while ((this.#places.at(-1) ?? 0) >= this.#planned) {
      this.#places.pop()
      this.#namespaces.pop()
    }
  }

  /** Empties it, for the next messages. */
  clear(): void {
    this.#bytes.fill(0, 0, this.#length)
    this.#length = 0
    this.#start = 0
    this.#planned = PLAN.blanks
    this.acknowledgeLast = false
    this.recipients = []
    this.#namespaces = []
    this.#places = []
    this.#names = ''
  }

  u8(value: number): this {
    if (this.#length + 1 > this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length++] = value
    return this
  }

  u16(value: number): this {
    return this.u8(value).u8(value >> 8)
  }

  u32(value: number): this {
    const at = this.#length
    if (at & 3) return this.u16(value).u16(value >>> 16)
    if (at + 4 > this.#bytes.length) this.#grow(4)
    this.#words[at >> 2] = value
    this.#length = at + 4
    return this
  }

  /** Four numbers of 32 bits, where one of 32 bits could be. */
  u32x4(a: number, b: number, c: number, d: number): this {
    const at = this.#length
    if (at + 16 > this.#bytes.length) this.#grow(16)
    const words = this.#words
    words[at >> 2] = a
    words[(at >> 2) + 1] = b
    words[(at >> 2) + 2] = c
    words[(at >> 2) + 3] = d
    this.#length = at + 16
    return this
  }

  be16(value: number): this {
    return this.u8(value >> 8).u8(value)
  }

  be32(value: number): this {
    return this.be16(value >>> 16).be16(value)
  }

  u64(value: bigint): this {
    return this.u32(Number(BigInt.asUintN(32, value))).u32(Number(BigInt.asUintN(32, value >> 32n)))
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array, length = bytes.length): this {
    return this.copy(bytes, 0, length)
  }

  /** Bytes from the middle of others. */
  copy(bytes: Uint8Array, start: number, end: number): this {
    let to = this.#length
    if (to + end - start > this.#bytes.length) this.#grow(end - start)
    const own = this.#bytes
    for (let at = start; at < end; at++) own[to++] = bytes[at] as number
    this.#length = to
    return this
  }

  /** The index of a link. */
  link(target: LinkTarget): this {
    return this.u32(typeof target === 'number' ? target : this.#linkAt(this.#length, target))
  }

  /** `struct ifinfomsg`, with which every message about links begins. */
  linkHeader(target: LinkTarget, flags = 0, change = 0): this {
    const index = typeof target === 'number' ? target : this.#linkAt(this.#length + 4, target)
    return this.u32x4(0, index, flags, change)
  }

  /** Leaves a blank, as nothing is known of the link but its name. */
  #linkAt(at: number, target: string | PeerOf): 0 {
    return typeof target === 'string'
      ? this.#blank(at, BLANK.link, this.#numberOf(target))
      : this.#blank(at, BLANK.peer, this.#numberOf(target.peerOf))
  }

  /** An attribute's header, for a value of that length which follows. {@link pad} comes after it. */
  attribute(type: number, length: number): this {
    return this.u32((length + 4) | (type << 16))
  }

  /** Up to the next multiple of four. */
  pad(): this {
    const padded = (this.#length + 3) & ~3
    if (padded > this.#bytes.length) this.#grow(3)
    this.#length = padded
    return this
  }

  attributeU8(type: number, value: number): this {
    return this.attribute(type, 1).u8(value).pad()
  }

  attributeU16(type: number, value: number): this {
    return this.attribute(type, 2).u16(value).pad()
  }

  attributeU32(type: number, value: number): this {
    const at = this.#length
    if (at + 8 > this.#bytes.length) this.#grow(8)
    const words = this.#words
    words[at >> 2] = 8 | (type << 16)
    words[(at >> 2) + 1] = value
    this.#length = at + 8
    return this
  }

  /** The bytes of an address, 4 or 16. */
  attributeIp(type: number, bytes: Uint8Array, size: number): this {
    return size === 4 ? this.attributeU32(type, wordOf(bytes)) : this.attributeRaw(type, bytes, size)
  }

  /** The same address in two attributes. */
  attributeIpTwice(first: number, second: number, bytes: Uint8Array, size: number): this {
    if (size !== 4) return this.attributeIp(first, bytes, size).attributeIp(second, bytes, size)
    const word = wordOf(bytes)
    return this.u32x4(8 | (first << 16), word, 8 | (second << 16), word)
  }

  attributeRaw(type: number, bytes: Uint8Array, length = bytes.length): this {
    return this.attribute(type, length).copy(bytes, 0, length).pad()
  }

  /** A string, with the NUL that the kernel wants of most (1), or without (0). */
  attributeText(type: number, text: string, nul: 0 | 1 = 1): this {
    const start = this.#length
    // No character takes more than three bytes. A name is a few letters, for which the encoder costs more than it does.
    if (start + text.length * 3 + 8 > this.#bytes.length) this.#grow(text.length * 3 + 8)
    const bytes = this.#bytes
    let at = start + 4
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) {
        at = start + 4 + encoder.encodeInto(text, bytes.subarray(start + 4)).written
        break
      }
      bytes[at++] = code
    }
    // Behind it there are zeros already.
    at += nul
    this.#words[start >> 2] = (at - start) | (type << 16)
    this.#length = (at + 3) & ~3
    return this
  }

  attributeLink(type: number, target: LinkTarget): this {
    return this.attribute(type, 4).link(target)
  }

  /** The descriptor of a namespace. */
  attributeNamespace(type: number, namespace: Namespace): this {
    this.#namespaces.push(namespace)
    this.#places.push(this.#planned + 2)
    return this.attributeU32(type, this.#blank(this.#length + 4, BLANK.namespace, 0))
  }

  /** Begins an attribute that holds attributes; what it returns is for {@link close}. */
  open(type: number, flag: number = NESTED): number {
    const start = this.#length
    this.u32((type | flag) << 16)
    return start
  }

  /** Ends an attribute that was opened. */
  close(start: number): this {
    this.#words[start >> 2] = ((this.#words[start >> 2] as number) & 0xffff_0000) | (this.#length - start)
    return this.pad()
  }

  /** Attributes within an attribute. */
  nest(type: number, write: () => void, flag: number = NESTED): this {
    const start = this.open(type, flag)
    write()
    return this.close(start)
  }

  #numberOf(name: string): number {
    // Most requests are about one link.
    if (this.#names === name) return 0
    if (this.#names === '') {
      this.#names = name
      this.#numbers = undefined
      return 0
    }
    this.#numbers ??= new Map([[this.#names, 0]])
    const numbers = this.#numbers
    const known = numbers.get(name)
    if (known !== undefined) return known
    const number = numbers.size
    numbers.set(name, number)
    this.#names = `${this.#names}\0${name}`
    return number
  }

  /** Tells what is to be put in at `at`, where there is nothing yet. */
  #blank(at: number, sort: number, of: number): 0 {
    const next = this.#planned
    if (next === this.#plan.length) {
      const grown = new Uint32Array(PLAN.blanks + (next - PLAN.blanks) * 2)
      grown.set(this.#plan)
      this.#plan = grown
    }
    const plan = this.#plan
    plan[next] = sort
    plan[next + 1] = at
    plan[next + 2] = of
    this.#planned = next + 3
    return 0
  }

  #grow(more: number): void {
    const grown = new Uint32Array(Math.max(this.#words.length * 2, (this.#length + more + 3) >> 2))
    grown.set(this.#words)
    this.#words = grown
    this.#bytes = new Uint8Array(grown.buffer)
  }
}

function wordOf(bytes: Uint8Array): number {
  const low = (bytes[0] as number) | ((bytes[1] as number) << 8)
  return low | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 24)
}
