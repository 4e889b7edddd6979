/** Netlink messages as they are written: host byte order, which is little-endian on every platform there is a build for. */
import type { Namespace } from '../namespace.ts'
import type { Handle } from '../native.ts'

/** A link by its index, or by a name that native code looks up when the message's turn comes. */
export type LinkTarget = number | string | PeerOf

/** The other end of a link, as of a veth, whatever namespace that is in. */
export interface PeerOf {
  /** The name of this end, in the namespace that the first of several requests is sent to. */
  readonly peerOf: string
}

/** `NETLINK_…`. */
export const PROTOCOL = { route: 0, netfilter: 12, generic: 16 } as const

/** `NLM_F_…`. */
export const FLAG = {
  request: 1,
  ack: 4,
  dump: 0x300,
  echo: 8,
  replace: 0x100,
  excl: 0x200,
  create: 0x400,
  append: 0x800
} as const

const HEADER = 16
const NESTED = 0x8000
/** What native code puts in when it sends a message. */
const BLANK = { link: 0, peer: 1, namespace: 2 } as const
const NO_BLANKS = new Uint32Array(0)
const encoder = new TextEncoder()

/** One or more messages, one after the other, and what native code fills in when it sends them. */
export class Request {
  readonly protocol: number
  /** One acknowledgement stands for many messages. */
  acknowledgeLast = false
  /** How many messages there are. */
  count = 0
  #bytes: Uint8Array
  #view: DataView
  #length = 0
  #start = 0
  /** What is filled in, three numbers for each: its sort, where it goes, its place among the names or namespaces. */
  #blanks = NO_BLANKS
  #blankCount = 0
  readonly #names = new Map<string, number>()
  readonly #namespaces: Handle[] = []

  constructor(protocol: number = PROTOCOL.route, size = 512) {
    this.protocol = protocol
    this.#bytes = new Uint8Array(size)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** How many bytes are written. */
  get length(): number {
    return this.#length
  }

  /** Begins a message. */
  begin(type: number, flags: number): this {
    this.#start = this.#length
    this.#reserve(HEADER)
    this.#view.setUint16(this.#length + 4, type, true)
    this.#view.setUint16(this.#length + 6, flags | FLAG.request, true)
    this.#length += HEADER
    return this
  }

  /** Ends the message that was begun last. */
  end(): this {
    this.#view.setUint32(this.#start, this.#length - this.#start, true)
    this.#start = this.#length
    this.count++
    return this
  }

  /** Takes back what was written after the last whole message, as its arguments were wrong. */
  abandon(): void {
    this.#bytes.fill(0, this.#start, this.#length)
    this.#length = this.#start
    // Names that nothing refers to any more do no harm.
    while (this.#blankCount > 0 && (this.#blanks[this.#blankCount - 2] as number) >= this.#start) this.#blankCount -= 3
  }

  /** Empties it, for the next messages; what {@link toNative} gave must not be used any more. */
  clear(): void {
    this.#bytes.fill(0, 0, this.#length)
    this.#length = 0
    this.#start = 0
    this.#blankCount = 0
    this.count = 0
    this.#names.clear()
    this.#namespaces.length = 0
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
    return this
  }

  u16(value: number): this {
    this.#reserve(2)
    this.#view.setUint16(this.#length, value, true)
    this.#length += 2
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
    return this
  }

  be16(value: number): this {
    this.#reserve(2)
    this.#view.setUint16(this.#length, value, false)
    this.#length += 2
    return this
  }

  be32(value: number): this {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value, false)
    this.#length += 4
    return this
  }

  u64(value: bigint): this {
    this.#reserve(8)
    this.#view.setBigUint64(this.#length, value, true)
    this.#length += 8
    return this
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array, length = bytes.length): this {
    this.#reserve(length)
    for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = bytes[i] as number
    this.#length += length
    return this
  }

  /** Bytes from the middle of others. */
  copy(bytes: Uint8Array, start: number, end: number): this {
    this.#reserve(end - start)
    for (let at = start; at < end; at++) this.#bytes[this.#length++] = bytes[at] as number
    return this
  }

  /** The index of a link. */
  link(target: LinkTarget): this {
    if (typeof target === 'number') return this.u32(target)
    const name = typeof target === 'string' ? target : target.peerOf
    const place = this.#names.get(name) ?? this.#names.size
    this.#names.set(name, place)
    return this.#blank(typeof target === 'string' ? BLANK.link : BLANK.peer, place)
  }

  /** An attribute's header, for a value of that length which follows. {@link pad} comes after it. */
  attribute(type: number, length: number): this {
    return this.u16(length + 4).u16(type)
  }

  /** Up to the next multiple of four. */
  pad(): this {
    const padded = (this.#length + 3) & ~3
    this.#reserve(padded - this.#length)
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
    return this.attribute(type, 4).u32(value)
  }

  attributeRaw(type: number, bytes: Uint8Array, length = bytes.length): this {
    return this.attribute(type, length).raw(bytes, length).pad()
  }

  /** A string with the NUL that the kernel wants. */
  attributeText(type: number, text: string): this {
    const start = this.#length
    this.attribute(type, 0)
    // No character takes more than three bytes. A name is a few letters, for which the encoder costs more than it does.
    this.#reserve(text.length * 3 + 1)
    let at = this.#length
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) {
        at = this.#length + encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written
        break
      }
      this.#bytes[at++] = code
    }
    this.#bytes[at++] = 0
    this.#length = at
    this.#view.setUint16(start, at - start, true)
    return this.pad()
  }

  attributeLink(type: number, target: LinkTarget): this {
    return this.attribute(type, 4).link(target)
  }

  /** The descriptor of a namespace. */
  attributeNamespace(type: number, namespace: Namespace): this {
    this.attribute(type, 4)
    this.#namespaces.push(namespace.handle)
    return this.#blank(BLANK.namespace, this.#namespaces.length - 1)
  }

  /** Attributes within an attribute. */
  nest(type: number, write: () => void, flag: number = NESTED): this {
    const start = this.#length
    this.u16(0).u16(type | flag)
    write()
    this.#view.setUint16(start, this.#length - start, true)
    return this.pad()
  }

  /** As the binding takes it. */
  toNative() {
    return {
      protocol: this.protocol,
      bytes: this.#bytes.subarray(0, this.#length),
      acknowledgeLast: this.acknowledgeLast,
      blanks: this.#blanks.subarray(0, this.#blankCount),
      names: [...this.#names.keys()],
      namespaces: this.#namespaces
    }
  }

  #blank(sort: number, place: number): this {
    const at = this.#blankCount
    if (at === this.#blanks.length) {
      const grown = new Uint32Array(Math.max(12, at * 2))
      grown.set(this.#blanks)
      this.#blanks = grown
    }
    this.#blanks[at] = sort
    this.#blanks[at + 1] = this.#length
    this.#blanks[at + 2] = place
    this.#blankCount = at + 3
    return this.u32(0)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    grown.set(this.#bytes)
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}
