/** IP and hardware addresses: text to bytes and back. Written for lists of ten thousands, so without allocations. */
import { invalidType, invalidValue } from '../errors.ts'

/** `AF_…`. */
export enum AF {
  unspec = 0,
  inet = 2,
  bridge = 7,
  inet6 = 10
}

const DOT = 46
const SLASH = 47

/** Where {@link parse} leaves its result: the bytes, 4 or 16 of them, and the length of the prefix. */
export const parsed = { bytes: new Uint8Array(16), size: 0, prefix: -1 }

/** How many bytes an address of a family has. */
export function sizeOf(family: number): number {
  return family === AF.inet ? 4 : 16
}

/** The families as they are called here. */
export function familyOf(size: number): number {
  return size === 4 ? AF.inet : AF.inet6
}

/**
 * Parses an address, with or without a prefix, into {@link parsed}.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
 */
export function parse(text: unknown, label: string, prefix: 'required' | 'optional' | 'none'): void {
  if (typeof text !== 'string') throw invalidType(label, 'of type string', text)
  let end = dotted(text, 0, 0)
  const size = end >= 0 ? 4 : 16
  if (size === 16) {
    const slash = text.indexOf('/')
    end = slash >= 0 ? slash : text.length
    if (!parse6(text, end)) throw invalidValue(label, text, 'it is no IP address')
  }
  parsed.size = size
  parsed.prefix = size * 8
  if (end < text.length) {
    if (prefix === 'none') throw invalidValue(label, text, 'an address without a prefix length is expected')
    parsed.prefix = parsePrefix(text, end + 1, size * 8)
    if (parsed.prefix < 0) throw invalidValue(label, text, `the prefix length must be a number from 0 to ${size * 8}`)
  } else if (prefix === 'required') {
    throw invalidValue(label, text, `a prefix length is missing, as in ${text}/${size === 4 ? 24 : 64}`)
  }
}

/** Whether bits are set behind the prefix of what was parsed. */
export function hasHostBits(): boolean {
  for (let bit = parsed.prefix; bit < parsed.size * 8; bit = (bit | 7) + 1) {
    if ((parsed.bytes[bit >> 3] as number) & (0xff >> (bit & 7))) return true
  }
  return false
}

function parsePrefix(text: string, from: number, most: number): number {
  if (from === text.length || text.length - from > 3) return -1
  let value = 0
  for (let at = from; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= most ? value : -1
}

/** Reads four octets, up to a slash or the end: where that is, or -1 if there is something else. */
function dotted(text: string, from: number, to: number): number {
  let octet = 0
  let digits = 0
  let count = 0
  for (let at = from; ; at++) {
    const code = at < text.length ? text.charCodeAt(at) : SLASH
    if (code === DOT || code === SLASH) {
      if (digits === 0 || count === 4) return -1
      parsed.bytes[to + count++] = octet
      if (code === SLASH) return count === 4 ? at : -1
      octet = 0
      digits = 0
      continue
    }
    const digit = code - 48
    // A leading zero would mean octal to some.
    if (digit < 0 || digit > 9 || (digits > 0 && octet === 0)) return -1
    octet = octet * 10 + digit
    if (++digits > 3 || octet > 255) return -1
  }
}

const groups = new Uint16Array(8)

function parse6(text: string, end: number): boolean {
  let count = 0
  let gap = -1
  let at = 0
  if (text.charCodeAt(0) === 58) {
    if (text.charCodeAt(1) !== 58) return false
    gap = 0
    at = 2
  }
  while (at < end) {
    if (count === 8) return false
    let value = 0
    const start = at
    for (; at < end && at - start < 5; at++) {
      const digit = hex(text.charCodeAt(at))
      if (digit < 0) break
      value = value * 16 + digit
    }
    if (at < end && text.charCodeAt(at) === DOT) {
      if (count > 6 || dotted(text, start, 12) < 0) return false
      groups[count++] = ((parsed.bytes[12] as number) << 8) | (parsed.bytes[13] as number)
      groups[count++] = ((parsed.bytes[14] as number) << 8) | (parsed.bytes[15] as number)
      at = end
      break
    }
    if (at === start || at - start > 4) return false
    groups[count++] = value
    if (at === end) break
    if (text.charCodeAt(at++) !== 58) return false
    if (at < end && text.charCodeAt(at) === 58) {
      if (gap >= 0) return false
      gap = count
      at++
    } else if (at === end) {
      return false
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return false
  const zeros = 8 - count
  for (let to = 0; to < 8; to++) {
    const from = gap < 0 || to < gap ? to : to - zeros
    const value = gap >= 0 && to >= gap && to < gap + zeros ? 0 : (groups[from] as number)
    parsed.bytes[to * 2] = value >> 8
    parsed.bytes[to * 2 + 1] = value & 0xff
  }
  return true
}

function hex(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}

const OCTETS = Array.from({ length: 256 }, (_, octet) => String(octet))
const DOTTED = Array.from({ length: 256 }, (_, octet) => `.${octet}`)
const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'))

/** An address of 4 or 16 bytes, IPv6 as RFC 5952 has it. */
export function formatIp(bytes: Uint8Array, start: number, size: number): string {
  if (size === 4) {
    return (
      (OCTETS[bytes[start] as number] as string) +
      DOTTED[bytes[start + 1] as number] +
      DOTTED[bytes[start + 2] as number] +
      DOTTED[bytes[start + 3] as number]
    )
  }
  return formatIp6(bytes, start)
}

/** The ends of IPv4 prefixes, `.0/24`, by prefix length and last octet, as they are needed. */
const ENDS: string[][] = []
let lastHalf = -1
let lastHalfText = ''

/** An address and the length of its prefix, as `10.0.0.0/8`. Lists are sorted, so most begin as the one before. */
export function formatPrefix(bytes: Uint8Array, start: number, size: number, prefix: number): string {
  if (size !== 4) return `${formatIp6(bytes, start)}/${prefix}`
  const half = ((bytes[start] as number) << 8) | (bytes[start + 1] as number)
  if (half !== lastHalf) {
    lastHalf = half
    lastHalfText = (OCTETS[half >> 8] as string) + DOTTED[half & 0xff]
  }
  ENDS[prefix] ??= DOTTED.map((octet) => `${octet}/${prefix}`)
  return lastHalfText + DOTTED[bytes[start + 2] as number] + ENDS[prefix]?.[bytes[start + 3] as number]
}

function formatIp6(bytes: Uint8Array, start: number): string {
  const group = (i: number) => ((bytes[start + i * 2] ?? 0) << 8) | (bytes[start + i * 2 + 1] ?? 0)
  let longest = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let run = 0
    while (i + run < 8 && group(i + run) === 0) run++
    if (run > length) {
      longest = i
      length = run
    }
    i += run
  }
  if (longest === 0 && length === 5 && group(5) === 0xffff) return `::ffff:${formatIp(bytes, start + 12, 4)}`
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === longest) {
      text += i === 0 ? '::' : ':'
      i += length - 1
    } else {
      text += group(i).toString(16) + (i < 7 ? ':' : '')
    }
  }
  return text
}

/** A hardware address, of any length. */
export function formatMac(bytes: Uint8Array, start: number, end: number): string {
  let text = HEX[bytes[start] as number] ?? ''
  for (let at = start + 1; at < end; at++) text += `:${HEX[bytes[at] as number]}`
  return text
}

/**
 * The six bytes of `02:00:00:00:00:01`.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`
 */
export function parseMac(text: unknown, label: string): Uint8Array {
  if (typeof text !== 'string') throw invalidType(label, 'of type string', text)
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) {
    throw invalidValue(label, text, 'a hardware address is like 02:00:00:00:00:01')
  }
  return Uint8Array.from(text.split(':'), (octet) => Number.parseInt(octet, 16))
}
