/** Domain names: as they are asked for, and as they stand in messages. */
import { domainToASCII } from 'node:url'

/** The most octets that a name may have on the wire, its lengths and root included. */
const LONGEST_NAME = 255
/** A name of 255 octets has at most 127 labels, so a longer chain of pointers is an attack. */
const MOST_JUMPS = 127
/** What c-ares lets through: host names, service names, and what wildcards and classless delegations need. */
const NAME = /^(?:[\w\-/*]{1,63}\.)*[\w\-/*]{1,63}$/

/**
 * The form of a name that goes out: without the final dot, ASCII.
 *
 * @returns '' for the root; undefined for what is no name.
 */
export function toQuestion(name: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is what is meant.
  const ascii = /^[\x00-\x7f]*$/.test(name) ? name : domainToASCII(name)
  const bare = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
  if (bare === '') return name === '' || name === '.' ? '' : undefined
  return NAME.test(bare) && bare.length <= LONGEST_NAME - 2 ? bare : undefined
}

/** A name read from a message, and where what follows it begins. */
export interface WireName {
  readonly name: string
  readonly end: number
}

/**
 * Reads a name as c-ares writes it: `.` between labels, RFC 4343's escapes within them, no final dot.
 * Pointers lead back only and are few, so that no packet makes this slow.
 *
 * @throws {RangeError} if the bytes are no name.
 */
export function readName(packet: Buffer, start: number): WireName {
  const labels: string[] = []
  let [offset, end, jumps, octets] = [start, -1, 0, 1]
  for (;;) {
    const length = packet.readUInt8(offset)
    if (length === 0) return { name: labels.join('.'), end: end < 0 ? offset + 1 : end }
    if (length >= 0xc0) {
      const target = packet.readUInt16BE(offset) & 0x3fff
      if (end < 0) end = offset + 2
      jumps += 1
      if (target >= offset || jumps > MOST_JUMPS) throw new RangeError('a name that leads nowhere')
      offset = target
      continue
    }
    octets += length + 1
    if (length > 63 || octets > LONGEST_NAME) throw new RangeError('a name that is too long')
    if (offset + 1 + length > packet.length) throw new RangeError('a name that is cut off')
    labels.push(escaped(packet.toString('latin1', offset + 1, offset + 1 + length)))
    offset += length + 1
  }
}

function escaped(label: string): string {
  if (/^[\w-]*$/.test(label)) return label
  return label.replace(/[^\x20-\x7e]|[.;\\()@$"]/g, (char) => {
    const printable = char >= ' ' && char <= '~'
    return printable ? `\\${char}` : `\\${String(char.charCodeAt(0)).padStart(3, '0')}`
  })
}
