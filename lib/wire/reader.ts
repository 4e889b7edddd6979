/** Netlink messages as they are read. Lengths that lie end the reading of what they are in; nothing is read beyond it. */

/** `NLA_TYPE_MASK`: without the flags for nesting and byte order. */
const TYPE = 0x3fff
/** Longer texts are decoded at once. */
const SHORT = 16
const NOTHING = new Uint8Array(0)
const decoder = new TextDecoder()

/** Where an attribute's value is. */
export interface Attribute {
  type: number
  start: number
  end: number
}

/** Goes from attribute to attribute, for lists of ten thousands: an object for each would cost more than reading it. */
export class Attributes implements Attribute {
  type = 0
  start = 0
  end = 0
  #bytes: Uint8Array = NOTHING
  #at = 0
  #stop = 0

  /** Begins anew, with the attributes between two offsets. */
  of(reader: Reader, start: number, end: number): this {
    this.#bytes = reader.bytes
    this.#at = start
    this.#stop = Math.min(end, reader.bytes.length)
    return this
  }

  /** Goes to the next one, if there is one. */
  next(): boolean {
    const at = this.#at
    if (at + 4 > this.#stop) return false
    const bytes = this.#bytes
    const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    if (length < 4 || at + length > this.#stop) return false
    this.type = ((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) & TYPE
    this.start = at + 4
    this.end = at + length
    this.#at = at + ((length + 3) & ~3)
    return true
  }
}

/** Bytes with a view on them. */
export class Reader {
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(at: number): number {
    return this.bytes[at] ?? 0
  }

  /** Zero beyond the end, as an older kernel's shorter structure would have it. */
  u16(at: number, little = true): number {
    return at + 2 <= this.bytes.length ? this.view.getUint16(at, little) : 0
  }

  u32(at: number, little = true): number {
    return at + 4 <= this.bytes.length ? this.view.getUint32(at, little) : 0
  }

  s32(at: number): number {
    return this.u32(at) | 0
  }

  u64(at: number): bigint {
    return at + 8 <= this.bytes.length ? this.view.getBigUint64(at, true) : 0n
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
 * @param message - what is filled in, as an object for each of ten thousands would be garbage
 */
export function messageAt(reader: Reader, at: number, message: Message): boolean {
  const length = reader.u32(at)
  if (length < 16 || at + length > reader.bytes.length) return false
  message.type = reader.u16(at + 4)
  message.item = reader.u32(at + 8)
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
