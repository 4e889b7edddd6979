/** Bytes as they are written: host byte order, which is little-endian on every platform there is a build for. */

/** Room that grows. Whole words are written at once where they can be. */
export class Bytes {
  /** What is written, and room behind it, where anything may be; a multiple of four. */
  bytes: Uint8Array
  /** How many bytes are written. */
  length = 0
  protected words: Uint32Array

  constructor(size: number) {
    this.words = new Uint32Array((size + 3) >> 2)
    this.bytes = new Uint8Array(this.words.buffer)
  }

  /** What is written, until more is. */
  get written(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** A number of 8 bits. */
  u8(value: number): this {
    if (this.length + 1 > this.bytes.length) this.grow(1)
    this.bytes[this.length++] = value
    return this
  }

  /** A number of 16 bits. */
  u16(value: number): this {
    return this.u8(value).u8(value >> 8)
  }

  /** A number of 32 bits. */
  u32(value: number): this {
    const at = this.length
    if (at & 3) return this.u16(value).u16(value >>> 16)
    if (at + 4 > this.bytes.length) this.grow(4)
    this.words[at >> 2] = value
    this.length = at + 4
    return this
  }

  /** Four numbers of 32 bits, where one of 32 bits could be. */
  u32x4(a: number, b: number, c: number, d: number): this {
    const at = this.length
    if (at + 16 > this.bytes.length) this.grow(16)
    const { words } = this
    words[at >> 2] = a
    words[(at >> 2) + 1] = b
    words[(at >> 2) + 2] = c
    words[(at >> 2) + 3] = d
    this.length = at + 16
    return this
  }

  /** A number of 16 bits, in network byte order. */
  be16(value: number): this {
    return this.u8(value >> 8).u8(value)
  }

  /** A number of 32 bits, in network byte order. */
  be32(value: number): this {
    return this.be16(value >>> 16).be16(value)
  }

  /** A number of 64 bits. */
  u64(value: bigint): this {
    return this.u32(Number(BigInt.asUintN(32, value))).u32(Number(BigInt.asUintN(32, value >> 32n)))
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array, length = bytes.length): this {
    return this.copy(bytes, 0, length)
  }

  /** Bytes from the middle of others. */
  copy(bytes: Uint8Array, start: number, end: number): this {
    let to = this.length
    if (to + end - start > this.bytes.length) this.grow(end - start)
    const own = this.bytes
    for (let at = start; at < end; at++) own[to++] = bytes[at] as number
    this.length = to
    return this
  }

  /** Zeros up to the next multiple of four. */
  pad(): this {
    // Until there, there is room.
    while (this.length & 3) this.bytes[this.length++] = 0
    return this
  }

  protected grow(more: number): void {
    const grown = new Uint32Array(Math.max(this.words.length * 2, (this.length + more + 3) >> 2))
    grown.set(this.words)
    this.words = grown
    this.bytes = new Uint8Array(grown.buffer)
  }
}
