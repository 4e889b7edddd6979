/** Attributes by tables: one row says how an option is called, written and read. */
import { invalidType, invalidValue } from '../errors.ts'
import { formatIp, formatMac, parse, parsed, parseMac } from '../wire/address.ts'
import type { Reader } from '../wire/reader.ts'
import type { Request } from '../wire/request.ts'
import { checkFlag, checkInteger, checkLink, checkWord, wordOf } from './check.ts'

/** How a value is written to a request and read from a reply. */
export interface Codec {
  /** Writes an attribute. Throws if something is wrong with the value, which is called `label` then. */
  write(request: Request, type: number, value: unknown, label: string): void
  /** Reads what is between two offsets; nothing if there is nothing to tell. */
  read(reader: Reader, start: number, end: number): unknown
}

/** An attribute's number (a second one for IPv6), and its codec. `readOnly`: the kernel tells it and takes it from nobody. */
export interface Field {
  readonly type: number
  readonly type6?: number
  readonly codec: Codec
  readonly readOnly?: boolean
}

/** Options by name. */
export type Schema = Readonly<Record<string, Field>>

/** A row. */
export function field(type: number, codec: Codec): Field {
  return { type, codec }
}

/** A row that is only read. */
export function told(type: number, codec: Codec): Field {
  return { type, codec, readOnly: true }
}

/** A row for an address, whose attribute's number depends on the family. */
export function addressField(type: number, type6: number): Field {
  return { type, type6, codec: ip }
}

/** Writes every option of `values` by its row; `skip` are dealt with elsewhere. */
export function writeFields(
  request: Request,
  schema: Schema,
  values: object,
  label: string,
  skip?: ReadonlySet<string>
): void {
  const names = Object.keys(values)
  // Not by an iterator, which takes as long as all else here.
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    if (skip?.has(name)) continue
    const value = values[name as keyof typeof values]
    if (value === undefined) continue
    const row = Object.hasOwn(schema, name) ? schema[name] : undefined
    if (row === undefined || row.readOnly) throw invalidValue(`${label}.${name}`, value, 'there is no such option')
    const path = `${label}.${name}`
    if (row.type6 !== undefined) {
      parse(value, path, 'none')
      request.attributeRaw(parsed.size === 4 ? row.type : row.type6, parsed.bytes, parsed.size)
    } else {
      row.codec.write(request, row.type, value, path)
    }
  }
}

/** Reads the attributes between two offsets; those without a row are left out. */
export function readFields(reader: Reader, start: number, end: number, schema: Schema): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  const attributes = reader.attributes(start, end)
  for (const [name, row] of Object.entries(schema)) {
    for (const found of attributes) {
      if (found.type === row.type || found.type === row.type6) {
        const value = row.codec.read(reader, found.start, found.end)
        if (value !== undefined) values[name] = value
      }
    }
  }
  return values
}

/** A number of 8 bits. */
export const u8: Codec = {
  write: (request, type, value, label) => request.attributeU8(type, checkInteger(value, label, 0, 0xff)),
  read: (reader, start) => reader.u8(start)
}

/** A number of 16 bits. */
export const u16: Codec = {
  write: (request, type, value, label) => request.attributeU16(type, checkInteger(value, label, 0, 0xffff)),
  read: (reader, start) => reader.u16(start)
}

/** A number of 32 bits. */
export const u32: Codec = {
  write: (request, type, value, label) => request.attributeU32(type, checkInteger(value, label, 0, 0xffff_ffff)),
  read: (reader, start) => reader.u32(start)
}

/** A number of 64 bits, which the kernel only needs for long times. */
export const u64: Codec = {
  write: (request, type, value, label) =>
    request.attribute(type, 8).u64(BigInt(checkInteger(value, label, 0, Number.MAX_SAFE_INTEGER))),
  read: (reader, start) => Number(reader.u64(start))
}

/** Big-endian. */
export const be16: Codec = {
  write: (request, type, value, label) =>
    request
      .attribute(type, 2)
      .be16(checkInteger(value, label, 0, 0xffff))
      .pad(),
  read: (reader, start) => reader.u16(start, false)
}

/** Big-endian. */
export const be32: Codec = {
  write: (request, type, value, label) => request.attribute(type, 4).be32(checkInteger(value, label, 0, 0xffff_ffff)),
  read: (reader, start) => reader.u32(start, false)
}

/** True or false as a byte. */
export const bool: Codec = {
  write: (request, type, value, label) => request.attributeU8(type, Number(checkFlag(value, label))),
  read: (reader, start) => reader.u8(start) !== 0
}

/** True or false as a number of 32 bits. */
export const bool32: Codec = {
  write: (request, type, value, label) => request.attributeU32(type, Number(checkFlag(value, label))),
  read: (reader, start) => reader.u32(start) !== 0
}

/** True by being there. */
export const flag: Codec = {
  write: (request, type, value, label) => {
    if (checkFlag(value, label)) request.attribute(type, 0)
  },
  read: () => true
}

/** A string. */
export const text: Codec = {
  write: (request, type, value, label) => {
    if (typeof value !== 'string') throw invalidType(label, 'of type string', value)
    if (value.includes('\0')) throw invalidValue(label, value, 'it cannot contain a NUL')
    request.attributeText(type, value)
  },
  read: (reader, start, end) => reader.text(start, end)
}

/** A hardware address. */
export const mac: Codec = {
  write: (request, type, value, label) => request.attributeRaw(type, parseMac(value, label)),
  read: (reader, start, end) => formatMac(reader.bytes, start, end)
}

/** An IP address of either family, none if it is all zeros. */
export const ip: Codec = {
  write: (request, type, value, label) => {
    parse(value, label, 'none')
    request.attributeRaw(type, parsed.bytes, parsed.size)
  },
  read: (reader, start, end) => {
    const size = end - start
    if (size !== 4 && size !== 16) return undefined
    return reader.bytes.subarray(start, end).some(Boolean) ? formatIp(reader.bytes, start, size) : undefined
  }
}

/** Another link, read as its index; none if it is zero, which `null` asks for. */
export const linkIndex: Codec = {
  write: (request, type, value, label) => request.attributeLink(type, value === null ? 0 : checkLink(value, label)),
  read: (reader, start) => reader.u32(start) || undefined
}

/** A word for a number. */
export function word(words: Readonly<Record<string, number>>, width: 'u8' | 'u16' | 'u32' | 'be16'): Codec {
  const number = { u8, u16, u32, be16 }[width]
  return {
    write: (request, type, value, label) => number.write(request, type, checkWord(value, label, words, 0xffff), label),
    read: (reader, start, end) => wordOf(words, number.read(reader, start, end) as number)
  }
}

/** Switches by name, as `{ gvrp: true }`: their values, and a mask of those that are meant. */
export function switches(bits: Readonly<Record<string, number>>): Codec {
  return {
    write: (request, type, value, label) => {
      if (typeof value !== 'object' || value === null) throw invalidType(label, 'of type object', value)
      let [on, mask] = [0, 0]
      for (const [name, wanted] of Object.entries(value)) {
        const bit = Object.hasOwn(bits, name) ? bits[name] : undefined
        if (bit === undefined)
          throw invalidValue(`${label}.${name}`, wanted, `known are ${Object.keys(bits).join(', ')}`)
        mask |= bit
        if (checkFlag(wanted, `${label}.${name}`)) on |= bit
      }
      request.attribute(type, 8).u32(on).u32(mask)
    },
    read: (reader, start) => {
      const on = reader.u32(start)
      return Object.fromEntries(Object.entries(bits).map(([name, bit]) => [name, (on & bit) !== 0]))
    }
  }
}

/** Attributes within an attribute. */
export function nested(schema: Schema): Codec {
  return {
    write: (request, type, value, label) => {
      if (typeof value !== 'object' || value === null) throw invalidType(label, 'of type object', value)
      request.nest(type, () => writeFields(request, schema, value, label))
    },
    read: (reader, start, end) => readFields(reader, start, end, schema)
  }
}

/** Values one after the other, each in an attribute numbered by its place, or all by the same number (`step` 0). */
export function list(codec: Codec, first = 0, step = 1): Codec {
  return {
    write: (request, type, value, label) => {
      if (!Array.isArray(value)) throw invalidType(label, 'an instance of Array', value)
      request.nest(type, () => {
        for (const [i, item] of value.entries()) codec.write(request, first + i * step, item, `${label}[${i}]`)
      })
    },
    read: (reader, start, end) => reader.attributes(start, end).map((item) => codec.read(reader, item.start, item.end))
  }
}
