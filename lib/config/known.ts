/**
 * Messages by what tells them apart, outside of JavaScript's heap: the garbage collector stops the event loop for as long
 * as it takes to move what is new and stays, and ten thousand strings are much.
 */
import { Reader } from '../wire/reader.ts'

/** What a record begins with, a word each: its length in words, its key's hash, when it was seen, the lengths of both parts. */
const [SIZE, HASH, SEEN, KEY, MESSAGE, HEAD] = [0, 1, 2, 3, 4, 5] as const
const LEAST = 1024
const EMPTY = 0
const GONE = 0xffff_ffff

/** A table of records, one behind the other, and of slots that tell where they begin: open addressing. */
export class Known {
  #words = new Uint32Array(LEAST)
  #bytes = new Uint8Array(this.#words.buffer)
  /** Where the next record begins, in words. None begins at 0. */
  #end = 1
  /** Words of records that are gone. */
  #waste = 0
  #slots = new Uint32Array(LEAST)
  /** Slots in use or in use once. */
  #used = 0
  #round = 0

  /** Where the record of a key is, in words; none at 0. It stays there until something is added. */
  find(key: Uint8Array, length: number): number {
    const slot = this.#slotOf(key, length, hashOf(key, length))
    return slot < 0 ? 0 : (this.#slots[slot] as number)
  }

  /** Whether a record's message is the bytes between two offsets. */
  equals(at: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#words[at + MESSAGE] !== end - start) return false
    const from = this.#messageOf(at)
    for (let i = 0; i < end - start; i++) if (this.#bytes[from + i] !== bytes[start + i]) return false
    return true
  }

  /** A copy of a record's message, to be read. */
  read(at: number): Reader {
    const from = this.#messageOf(at)
    return new Reader(this.#bytes.slice(from, from + (this.#words[at + MESSAGE] as number)))
  }

  /** Puts the bytes between two offsets in the place of what was known of a key. */
  set(key: Uint8Array, length: number, bytes: Uint8Array, start: number, end: number): void {
    this.delete(key, length)
    const size = HEAD + ((length + 3) >> 2) + ((end - start + 3) >> 2)
    if (this.#end + size > this.#words.length || this.#used * 2 > this.#slots.length) this.#rebuild(size)
    const at = this.#end
    const hash = hashOf(key, length)
    this.#words[at + SIZE] = size
    this.#words[at + HASH] = hash
    this.#words[at + SEEN] = this.#round
    this.#words[at + KEY] = length
    this.#words[at + MESSAGE] = end - start
    for (let i = 0; i < length; i++) this.#bytes[(at + HEAD) * 4 + i] = key[i] as number
    const to = this.#messageOf(at)
    for (let i = 0; i < end - start; i++) this.#bytes[to + i] = bytes[start + i] as number
    this.#end += size
    this.#insert(at, hash)
  }

  /** Whether the key was there. */
  delete(key: Uint8Array, length: number): boolean {
    const slot = this.#slotOf(key, length, hashOf(key, length))
    if (slot < 0) return false
    this.#remove(slot)
    return true
  }

  /** Begins to look which records are still meant: those that are not {@link see}n from now on are not. */
  beginRound(): void {
    this.#round = (this.#round + 1) >>> 0
  }

  /** A record is still meant. */
  see(at: number): void {
    this.#words[at + SEEN] = this.#round
  }

  /** Takes out the records that were not seen in this round, one a step. Nothing may be added meanwhile. */
  *sweep(): Generator<Reader | undefined, void, void> {
    for (let slot = 0; slot < this.#slots.length; slot++) {
      const at = this.#slots[slot] as number
      if (at === EMPTY || at === GONE || this.#words[at + SEEN] === this.#round) yield undefined
      else {
        this.#remove(slot)
        yield this.read(at)
      }
    }
  }

  #remove(slot: number): void {
    this.#waste += this.#words[(this.#slots[slot] as number) + SIZE] as number
    this.#slots[slot] = GONE
  }

  #messageOf(at: number): number {
    return (at + HEAD + (((this.#words[at + KEY] as number) + 3) >> 2)) * 4
  }

  #slotOf(key: Uint8Array, length: number, hash: number): number {
    const mask = this.#slots.length - 1
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const at = this.#slots[slot] as number
      if (at === EMPTY) return -1
      if (at !== GONE && this.#words[at + HASH] === hash && this.#hasKey(at, key, length)) return slot
    }
  }

  #hasKey(at: number, key: Uint8Array, length: number): boolean {
    if (this.#words[at + KEY] !== length) return false
    const from = (at + HEAD) * 4
    for (let i = 0; i < length; i++) if (this.#bytes[from + i] !== key[i]) return false
    return true
  }

  #insert(at: number, hash: number): void {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== EMPTY) slot = (slot + 1) & mask
    this.#slots[slot] = at
    this.#used++
  }

  /** Moves all records together, with as much room again for what comes. */
  #rebuild(more: number): void {
    const [slots, words] = [this.#slots, this.#words]
    const live = slots.reduce((count, at) => (at === EMPTY || at === GONE ? count : count + 1), 1)
    this.#words = new Uint32Array(Math.max(LEAST, (this.#end - this.#waste + more) * 2))
    this.#bytes = new Uint8Array(this.#words.buffer)
    this.#slots = new Uint32Array(Math.max(LEAST, 2 ** Math.ceil(Math.log2(live * 4))))
    this.#used = 0
    this.#waste = 0
    this.#end = 1
    for (const at of slots) {
      if (at === EMPTY || at === GONE) continue
      const size = words[at + SIZE] as number
      for (let i = 0; i < size; i++) this.#words[this.#end + i] = words[at + i] as number
      this.#insert(this.#end, words[at + HASH] as number)
      this.#end += size
    }
  }
}

/** FNV-1a. */
function hashOf(key: Uint8Array, length: number): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x0100_0193)
  return hash >>> 0
}
