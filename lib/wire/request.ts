/** Netlink messages as they are written. */
import type { Namespace } from '../namespace.ts'
import { Bytes } from './bytes.ts'
import { BLANK, Plan } from './plan.ts'

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

const NESTED = 0x8000
const encoder = new TextEncoder()

/** Room for a few messages. */
const FEW = 512
/** One that was used; there are seldom two at once. */
let spare: Request | undefined

/**
 * One or more messages, one after the other, and what native code fills in when it sends them. Most are written by code
 * that has run a few times at most, so it is little code that a message takes: whole words at a time, no closures.
 */
export class Request extends Bytes {
  /** `NETLINK_…`. */
  readonly protocol: number
  /** One acknowledgement stands for many messages. */
  acknowledgeLast = false
  readonly #plan = new Plan()
  /** Where the last message begins. */
  #start = 0

  constructor(protocol: number = PROTOCOL.route, size = FEW) {
    super(size)
    this.protocol = protocol
  }

  /** One for few messages, which may have been used before: to make its buffers takes longer than to fill them. */
  static take(): Request {
    const taken = spare ?? new Request()
    spare = undefined
    return taken
  }

  /** Once it was handed over, and is used no more: it may be {@link take}n again. Returns `given`, what was got for it. */
  spent<T>(given: T): T {
    if (this.protocol !== PROTOCOL.route || this.bytes.length > FEW) return given
    this.clear()
    spare = this
    return given
  }

  /** Whom the messages are for, and whom they tell of: all that they change. */
  get concerned(): Namespace[] {
    return this.#plan.concerned
  }

  /**
   * What native code has to know about {@link bytes}, which it copies at once, as it does this and the names.
   *
   * @throws `ERR_NETNS_CLOSED` if one of the namespaces is closed by now
   */
  get plan(): Uint32Array {
    return this.#plan.numbers(this.protocol, this.length, this.acknowledgeLast)
  }

  /** The links that blanks are about, each once, with NULs between them. */
  get names(): string {
    return this.#plan.names
  }

  /** Begins a message. */
  begin(type: number, flags: number): this {
    this.#start = this.length
    return this.u32x4(0, type | ((flags | FLAG.request) << 16), 0, 0)
  }

  /** Ends the message that was begun last. */
  end(): this {
    this.words[this.#start >> 2] = this.length - this.#start
    this.#start = this.length
    return this
  }

  /** What was written since the last time is for this namespace; nothing was, perhaps. Three times at most. */
  to(namespace: Namespace): this {
    this.#plan.to(namespace, this.length)
    return this
  }

  /** Takes back what was written after the last whole message, as its arguments were wrong. */
  abandon(): void {
    this.length = this.#start
    this.#plan.abandon(this.#start)
  }

  /** Empties it, for the next messages. */
  clear(): void {
    this.length = 0
    this.#start = 0
    this.acknowledgeLast = false
    this.#plan.clear()
  }

  /** The index of a link. */
  link(target: LinkTarget): this {
    return this.u32(typeof target === 'number' ? target : this.#linkAt(this.length, target))
  }

  /** `struct ifinfomsg`, with which every message about links begins. */
  linkHeader(target: LinkTarget, flags = 0, change = 0): this {
    const index = typeof target === 'number' ? target : this.#linkAt(this.length + 4, target)
    return this.u32x4(0, index, flags, change)
  }

  /** Leaves a blank, as nothing is known of the link but its name. */
  #linkAt(at: number, target: string | PeerOf): 0 {
    if (typeof target === 'string') this.#plan.link(BLANK.link, at, target)
    else this.#plan.link(BLANK.peer, at, target.peerOf)
    return 0
  }

  /** An attribute's header, for a value of that length which follows. {@link pad} comes after it. */
  attribute(type: number, length: number): this {
    return this.u32((length + 4) | (type << 16))
  }

  /** A number of 8 bits. */
  attributeU8(type: number, value: number): this {
    return this.attribute(type, 1).u8(value).pad()
  }

  /** A number of 16 bits. */
  attributeU16(type: number, value: number): this {
    return this.attribute(type, 2).u16(value).pad()
  }

  /** A number of 32 bits. */
  attributeU32(type: number, value: number): this {
    const at = this.length
    if (at + 8 > this.bytes.length) this.grow(8)
    const words = this.words
    words[at >> 2] = 8 | (type << 16)
    words[(at >> 2) + 1] = value
    this.length = at + 8
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

  /** Bytes as they are. */
  attributeRaw(type: number, bytes: Uint8Array, length = bytes.length): this {
    return this.attribute(type, length).copy(bytes, 0, length).pad()
  }

  /** A string, with the NUL that the kernel wants of most (1), or without (0). */
  attributeText(type: number, text: string, nul: 0 | 1 = 1): this {
    const start = this.length
    // No character takes more than three bytes. A name is a few letters, for which the encoder costs more than it does.
    if (start + text.length * 3 + 8 > this.bytes.length) this.grow(text.length * 3 + 8)
    const { bytes } = this
    let at = start + 4
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) {
        at = start + 4 + encoder.encodeInto(text, bytes.subarray(start + 4)).written
        break
      }
      bytes[at++] = code
    }
    const end = at + nul
    this.words[start >> 2] = (end - start) | (type << 16)
    while (at < end || at & 3) bytes[at++] = 0
    this.length = at
    return this
  }

  /** The index of a link, which may not be known yet. */
  attributeLink(type: number, target: LinkTarget): this {
    return this.attribute(type, 4).link(target)
  }

  /** The descriptor of a namespace. */
  attributeNamespace(type: number, namespace: Namespace): this {
    this.#plan.namespace(this.length + 4, namespace)
    return this.attributeU32(type, 0)
  }

  /** Begins an attribute that holds attributes; what it returns is for {@link close}. */
  open(type: number, flag: number = NESTED): number {
    const start = this.length
    this.u32((type | flag) << 16)
    return start
  }

  /** Ends an attribute that was opened. */
  close(start: number): this {
    this.words[start >> 2] = ((this.words[start >> 2] as number) & 0xffff_0000) | (this.length - start)
    return this.pad()
  }

  /** Attributes within an attribute. */
  nest(type: number, write: () => void, flag: number = NESTED): this {
    const start = this.open(type, flag)
    write()
    return this.close(start)
  }
}

function wordOf(bytes: Uint8Array): number {
  const low = (bytes[0] as number) | ((bytes[1] as number) << 8)
  return low | ((bytes[2] as number) << 16) | ((bytes[3] as number) << 24)
}
