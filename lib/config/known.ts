/**
 * Messages by what tells them apart, outside of JavaScript's heap: the garbage collector stops the event loop for as long
 * as it takes to move what is new and stays, and ten thousand strings are much. However many there are, none of the steps
 * here is longer for it.
 */
import { Reader } from '../wire/reader.ts'

/**
 * What a record begins with, a word each: the next record of its bucket or of those that are free, its key's hash, when it
 * was seen, the lengths of both parts, its own length in words.
 */
const [NEXT, HASH, SEEN, KEY, MESSAGE, SIZE, HEAD] = [0, 1, 2, 3, 4, 5, 6] as const
/** Records lie in blocks of so many words, one that is longer in a block of its own. */
const BLOCK_BITS = 12
const BLOCK = 1 << BLOCK_BITS
const IN_BLOCK = BLOCK - 1
/** Where no record is: the first word of the first block is left out. */
const NONE = 0
const BUCKETS = 64

interface Block {
  words: Uint32Array
  bytes: Uint8Array
}

/** Linear hashing: a table that grows by one bucket for one record, whose records stay where they are. */
export class Known {
  #blocks: Block[] = []
  /** Where the next record begins in the last block. */
  #end = BLOCK
  /** Records that are gone, by their length in words: the next one like it takes the place. */
  #free = new Map<number, number>()
  #count = 0
  #buckets = new Uint32Array(BUCKETS)
  /** The first so many are in use. */
  #used = BUCKETS / 2
  /** A power of two: so many there were before they were split one after the other, each with the one so far behind it. */
  #half = BUCKETS / 2
  #round = 0

  /** Where the record of a key is; none at 0. It stays there until it is taken out or something else put there. */
  find(key: Uint8Array, length: number): number {
    const hash = hashOf(key, length)
    let at = this.#buckets[this.#bucketOf(hash)] as number
    while (at !== NONE && !this.#isOf(at, hash, key, length)) at = this.#word(at, NEXT)
    return at
  }

  /** Whether a record's message is the bytes between two offsets. */
  equals(at: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#word(at, MESSAGE) !== end - start) return false
    const own = this.#block(at).bytes
    const from = this.#messageOf(at)
    for (let i = 0; i < end - start; i++) if (own[from + i] !== bytes[start + i]) return false
    return true
  }

  /** A copy of a record's message, to be read. */
  read(at: number): Reader {
    const from = this.#messageOf(at)
    return new Reader(this.#block(at).bytes.slice(from, from + this.#word(at, MESSAGE)))
  }

  /** Puts the bytes between two offsets in the place of what was known of a key. */
  set(key: Uint8Array, length: number, bytes: Uint8Array, start: number, end: number): void {
    const hash = hashOf(key, length)
    const at = this.#take(hash, key, length, HEAD + ((length + 3) >> 2) + ((end - start + 3) >> 2))
    const { words, bytes: own } = this.#block(at)
    const head = at & IN_BLOCK
    words[head + HASH] = hash
    words[head + SEEN] = this.#round
    words[head + KEY] = length
    words[head + MESSAGE] = end - start
    for (let i = 0; i < length; i++) own[(head + HEAD) * 4 + i] = key[i] as number
    const to = this.#messageOf(at)
    for (let i = 0; i < end - start; i++) own[to + i] = bytes[start + i] as number
  }

  /** Whether the key was there. */
  delete(key: Uint8Array, length: number): boolean {
    return this.#remove(hashOf(key, length), key, length)
  }

  /** Begins to look which records are still meant: those that are not {@link see}n from now on are not. */
  beginRound(): void {
    this.#round = (this.#round + 1) >>> 0
  }

  /** A record is still meant. */
  see(at: number): void {
    this.#setWord(at, SEEN, this.#round)
  }

  /** Where the records are, one a step, and some steps of none. Nothing may be added or taken out meanwhile. */
  *records(): Generator<number | undefined, void, void> {
    for (let bucket = 0; bucket < this.#used; bucket++) {
      for (let at = this.#buckets[bucket] as number; at !== NONE; at = this.#word(at, NEXT)) yield at
      yield undefined
    }
  }

  /** Takes out the records that were not seen in this round, one a step. Nothing may be added meanwhile. */
  *sweep(): Generator<Reader | undefined, void, void> {
    for (let bucket = 0; bucket < this.#used; bucket++) {
      let before = NONE
      let at = this.#buckets[bucket] as number
      while (at !== NONE) {
        const next = this.#word(at, NEXT)
        if (this.#word(at, SEEN) === this.#round) {
          before = at
          yield undefined
        } else {
          const gone = this.read(at)
          this.#unlink(bucket, before, at)
          yield gone
        }
        at = next
      }
      yield undefined
    }
  }

  #remove(hash: number, key: Uint8Array, length: number): boolean {
    const bucket = this.#bucketOf(hash)
    let before = NONE
    let at = this.#buckets[bucket] as number
    while (at !== NONE && !this.#isOf(at, hash, key, length)) {
      before = at
      at = this.#word(at, NEXT)
    }
    if (at === NONE) return false
    this.#unlink(bucket, before, at)
    return true
  }

  #unlink(bucket: number, before: number, at: number): void {
    const next = this.#word(at, NEXT)
    if (before === NONE) this.#buckets[bucket] = next
    else this.#setWord(before, NEXT, next)
    const size = this.#word(at, SIZE)
    this.#setWord(at, NEXT, this.#free.get(size) ?? NONE)
    this.#free.set(size, at)
    if (--this.#count > 0) return
    // All are free, of whatever length: what comes next may be of others.
    this.#blocks = []
    this.#end = BLOCK
    this.#free = new Map()
  }

  /** The record of a key, which has so many words, its place in its bucket, and nothing else yet. */
  #take(hash: number, key: Uint8Array, length: number, size: number): number {
    const known = this.find(key, length)
    if (known !== NONE && this.#word(known, SIZE) === size) return known
    if (known !== NONE) this.#remove(hash, key, length)
    if (this.#count >= this.#used) this.#split()
    const at = this.#place(size)
    this.#push(this.#bucketOf(hash), at)
    this.#count++
    return at
  }

  /** A place for a record of so many words. */
  #place(size: number): number {
    const free = this.#free.get(size) ?? NONE
    if (free !== NONE) {
      this.#free.set(size, this.#word(free, NEXT))
      return free
    }
    if (this.#end + size > BLOCK) {
      this.#end = this.#blocks.length === 0 ? 1 : 0
      const words = new Uint32Array(Math.max(BLOCK, this.#end + size))
      this.#blocks.push({ words, bytes: new Uint8Array(words.buffer) })
    }
    const at = (this.#blocks.length - 1) * BLOCK + this.#end
    this.#end += size
    this.#setWord(at, SIZE, size)
    return at
  }

  /** One more bucket, which takes its part of the records of another. */
  #split(): void {
    if (this.#used === this.#buckets.length) {
      const more = new Uint32Array(this.#buckets.length * 2)
      more.set(this.#buckets)
      this.#buckets = more
      this.#half = this.#used
    }
    const from = this.#used - this.#half
    let at = this.#buckets[from] as number
    this.#buckets[from] = NONE
    this.#used++
    while (at !== NONE) {
      const next = this.#word(at, NEXT)
      this.#push(this.#bucketOf(this.#word(at, HASH)), at)
      at = next
    }
  }

  #push(bucket: number, at: number): void {
    this.#setWord(at, NEXT, this.#buckets[bucket] as number)
    this.#buckets[bucket] = at
  }

  #bucketOf(hash: number): number {
    const bucket = hash & (this.#half * 2 - 1)
    return bucket < this.#used ? bucket : bucket - this.#half
  }

  #isOf(at: number, hash: number, key: Uint8Array, length: number): boolean {
    if (this.#word(at, HASH) !== hash || this.#word(at, KEY) !== length) return false
    const { bytes } = this.#block(at)
    const from = ((at & IN_BLOCK) + HEAD) * 4
    for (let i = 0; i < length; i++) if (bytes[from + i] !== key[i]) return false
    return true
  }

  #messageOf(at: number): number {
    return ((at & IN_BLOCK) + HEAD + ((this.#word(at, KEY) + 3) >> 2)) * 4
  }

  #block(at: number): Block {
    return this.#blocks[at >>> BLOCK_BITS] as Block
  }

  #word(at: number, field: number): number {
    return this.#block(at).words[(at & IN_BLOCK) + field] as number
  }

  #setWord(at: number, field: number, value: number): void {
    this.#block(at).words[(at & IN_BLOCK) + field] = value
  }
}

/** FNV-1a. */
function hashOf(key: Uint8Array, length: number): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (key[i] as number), 0x0100_0193)
  return hash >>> 0
}
