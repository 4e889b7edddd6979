/** Just enough of PNG to look at pictures that a browser takes: eight bits, red, green and blue, perhaps alpha. */
import { inflateSync } from 'node:zlib'

/** A picture, as long as somebody looks at it. */
export interface Picture {
  width: number
  height: number
  /** Red, green and blue of one point. */
  at(x: number, y: number): number[]
}

/** Reads a picture. */
export function readPng(png: Buffer): Picture {
  const parts: Buffer[] = []
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
  }
  const [width, height, kind] = [png.readUInt32BE(16), png.readUInt32BE(20), png.readUInt16BE(24)]
  const depths: Record<number, number> = { 2050: 3, 2054: 4 }
  const depth = depths[kind]
  if (depth === undefined) throw new Error(`a PNG of kind ${kind.toString(16)}`)
  const bytes = unfilter(inflateSync(Buffer.concat(parts)), width * depth, height, depth)
  const start = (x: number, y: number) => (y * width + x) * depth
  return { width, height, at: (x, y) => [...bytes.subarray(start(x, y), start(x, y) + 3)] }
}

/** Each line begins with the number of what was taken off its bytes: that of the left, above, their mean, the closest. */
function unfilter(filtered: Buffer, line: number, height: number, depth: number): Buffer {
  const bytes = Buffer.alloc(line * height)
  for (let y = 0; y < height; y++) {
    const filter = filtered[y * (line + 1)]
    for (let x = 0; x < line; x++) {
      const at = y * line + x
      const left = x < depth ? 0 : (bytes[at - depth] ?? 0)
      const above = bytes[at - line] ?? 0
      const corner = x < depth ? 0 : (bytes[at - line - depth] ?? 0)
      const guesses = [0, left, above, (left + above) >> 1, closest(left, above, corner)]
      bytes[at] = (filtered[y * (line + 1) + 1 + x] ?? 0) + (guesses[filter ?? 0] ?? 0)
    }
  }
  return bytes
}

/** Paeth's. */
function closest(left: number, above: number, corner: number): number {
  const guess = left + above - corner
  const [a, b, c] = [left, above, corner].map((value) => Math.abs(guess - value)) as [number, number, number]
  return a <= b && a <= c ? left : b <= c ? above : corner
}
