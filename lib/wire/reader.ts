/** Netlink messages as they are read. Lengths that lie end the reading of what they are in; nothing is read beyond it. */

/** `NLA_TYPE_MASK`: without the flags for nesting and byte order. */
const TYPE = 0x3fff
/** Longer texts are decoded at once. */
const SHORT = 16
const NO_WORDS = new Uint32Array(0)
const decoder = new TextDecoder()

/** Where an attribute's value is. */
export interface Attribute {
  type: number
  /** Where the value begins, and where it ends. */
  start: number
  end: number
}

/** Goes from attribute to attribute, for lists of ten thousands: an object for each would cost more than reading it. */
export class Attributes implements Attribute {
  type = 0
  start = 0
  end = 0
  #words: Uint32Array = NO_WORDS
  #at = 0
  #stop = 0

  /** Begins anew, with the attributes between two offsets, the first of which is a multiple of four. */
  of(reader: Reader, start: number, end: number): this {
    this.#words = reader.words
    this.#at = start
    this.#stop = Math.min(end, reader.bytes.length)
    return this
  }

  /** Goes to the next one, if there is one. */
  next(): boolean {
    const at = this.#at
    if (at + 4 > this.#stop) return false
    const head = this.#words[at >> 2] as number
    const length = head & 0xffff
    if (length < 4 || at + length > this.#stop) return false
    this.type = (head >>> 16) & TYPE
    this.start = at + 4
    this.end = at + length
    this.#at = at + ((length + 3) & ~3)
    return true
  }
}

/** How many types of attributes {@link placesOf} tells of. */
const PLACES = 64
const places = new Uint32Array(PLACES)

/**
 * Where the value of each attribute between two offsets begins, by its type; 0 for those that are not there. For messages
 * of half a hundred attributes few of which matter: to call something for each would take longer than to read them.
 *
 * @returns what is valid until the next call
 */
export function placesOf({ words, bytes }: Reader, start: number, end: number): Uint32Array {
  places.fill(0)
  const stop = Math.min(end, bytes.length)
  for (let at = start; at + 4 <= stop; ) {
    const head = words[at >> 2] as number
    const length = head & 0xffff
    if (length < 4 || at + length > stop) break
    const type = (head >>> 16) & TYPE
    if (type < PLACES) places[type] = at + 4
    at += (length + 3) & ~3
  }
  return places
}

/** Bytes, and those that are whole words as words. */
export class Reader {
  readonly bytes: Uint8Array
  /** What begins at a multiple of four, in the byte order of every platform there is a build for. */
  readonly words: Uint32Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    // What native code gives is always both.
    const whole = ((bytes.byteOffset | bytes.length) & 3) === 0
    this.words = whole ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : copyWords(bytes)
  }

  /** Zero beyond the end, as all numbers here are: an older kernel's structure is shorter. */
  u8(at: number): number {
    return this.bytes[at] ?? 0
  }

  /** In the platform's byte order (`little`) or the network's. */
  u16(at: number, little = true): number {
    const { bytes } = this
    if (at + 2 > bytes.length) return 0
    const first = bytes[at] as number
    const second = bytes[at + 1] as number
    return little ? first | (second << 8) : (first << 8) | second
  }

  u32(at: number, little = true): number {
    if (little && (at & 3) === 0) return this.words[at >> 2] ?? 0
    if (at + 4 > this.bytes.length) return 0
    const first = this.u16(at, little)
    const second = this.u16(at + 2, little)
    return (little ? first | (second << 16) : (first << 16) | second) >>> 0
  }

  s32(at: number): number {
    return this.u32(at) | 0
  }

  u64(at: number): bigint {
    return at + 8 <= this.bytes.length ? (BigInt(this.u32(at + 4)) << 32n) | BigInt(this.u32(at)) : 0n
  }

  /** Where the value ends that begins at `start`, behind an attribute's header. */
  endOf(start: number): number {
    return start - 4 + ((this.words[(start >> 2) - 1] as number) & 0xffff)
  }

  /** Up to the first NUL. */
  text(start: number, end: number): string {
    const { bytes } = this
    let text = ''
    // Names are short and mostly ASCII, for which a decoder costs more than it does.
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number
      if (byte === 0) return text
      if (byte > 127 || at - start === SHORT) return decoder.decode(bytes.subarray(start, endOfText(bytes, at, end)))
      text += String.fromCharCode(byte)
    }
    return text
  }

  /** The attributes between two offsets. */
  attributes(start: number, end: number): Attribute[] {
    const found: Attribute[] = []
    const walk = new Attributes().of(this, start, end)
    while (walk.next()) found.push({ type: walk.type, start: walk.start, end: walk.end })
    return found
  }
}

function copyWords(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes.subarray(0, bytes.length & ~3)).buffer)
}

function endOfText(bytes: Uint8Array, from: number, end: number): number {
  const zero = bytes.subarray(from, end).indexOf(0)
  return zero < 0 ? end : from + zero
}

/** A whole message in a reply. */
export interface Message {
  type: number
  /** Which message of the request it answers. */
  item: number
  /** Where its payload is. */
  start: number
  end: number
}

/**
 * Reads where the message is that begins at `at`, if there is a whole one. Native code has checked the framing; to do it
 * again costs nothing.
 *
 * @param at - a multiple of four
 * @param message - what is filled in, as an object for each of ten thousands would be garbage
 */
export function messageAt(reader: Reader, at: number, message: Message): boolean {
  const { words, bytes } = reader
  const length = words[at >> 2] ?? 0
  if (length < 16 || at + length > bytes.length) return false
  message.type = (words[(at >> 2) + 1] as number) & 0xffff
  message.item = words[(at >> 2) + 2] as number
  message.start = at + 16
  message.end = at + length
  return true
}

/** Where the next message begins. */
export function after(message: Message): number {
  return (message.end + 3) & ~3
}

/** No message yet. */
export function noMessage(): Message {
  return { type: 0, item: 0, start: 0, end: 0 }
}

/** The messages of a reply. */
export function* messages(reader: Reader): Generator<Message, void, void> {
  let message = noMessage()
  while (messageAt(reader, after(message), message)) {
    yield message
    message = { ...message }
  }
}
