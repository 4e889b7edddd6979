/** Arguments of the configuration calls, checked before the kernel is asked. */
import { invalidType, invalidValue } from '../errors.ts'
import { Namespace } from '../namespace.ts'
import { AF } from '../wire/address.ts'

/** A link: its name (or an alternative one), its index, or anything that has its index, as what `links.list` gave. */
export type LinkRef = string | number | { readonly index: number }

/** `IFNAMSIZ` and `ALTIFNAMSIZ`, without the NUL. */
const LONGEST_NAME = 15
const LONGEST_ALTERNATIVE = 127
/** What most names are like, in which there is nothing to find. */
const PLAIN = /^[\w-][\w.-]{0,14}$/
const encoder = new TextEncoder()

/** A name that a link can be given. */
export function checkLinkName(name: unknown, label: string, longest = LONGEST_NAME): string {
  if (typeof name !== 'string') throw invalidType(label, 'of type string', name)
  if (PLAIN.test(name)) return name
  if (name === '' || name === '.' || name === '..') throw invalidValue(label, name, 'a link cannot be called that')
  if (/[/:\s\0]/.test(name)) {
    throw invalidValue(label, name, "a link's name cannot contain a slash, a colon or white space")
  }
  if (!name.isWellFormed()) throw invalidValue(label, name, "a link's name cannot contain a lone surrogate")
  const longer = name.length > longest || encoder.encode(name).length > longest
  if (longer) throw invalidValue(label, name, `a link's name cannot be longer than ${longest} bytes`)
  return name
}

/** What identifies a link to the kernel. */
export function checkLink(link: unknown, label: string): number | string {
  if (typeof link === 'string') return checkLinkName(link, label, LONGEST_ALTERNATIVE)
  if (typeof link === 'number') return checkInteger(link, label, 1, 2 ** 31 - 1)
  if (typeof link === 'object' && link !== null && 'index' in link) {
    return checkInteger(link.index, `${label}.index`, 1, 2 ** 31 - 1)
  }
  throw invalidType(label, "a link's name, index or object", link)
}

/** How a link is called in an error. */
export function nameLink(link: LinkRef): string {
  if (typeof link !== 'object') return String(link)
  return 'name' in link && typeof link.name === 'string' ? link.name : String(link.index)
}

/** A whole number between two bounds. */
export function checkInteger(value: unknown, label: string, least: number, most: number): number {
  if (typeof value !== 'number') throw invalidType(label, 'of type number', value)
  if (!Number.isInteger(value)) throw invalidValue(label, value, 'it must be a whole number')
  if (value < least || value > most) throw invalidValue(label, value, `it must be from ${least} to ${most}`)
  return value
}

/** A number of 32 bits. */
export function checkU32(value: unknown, label: string): number {
  return checkInteger(value, label, 0, 0xffff_ffff)
}

/** True or false. */
export function checkFlag(value: unknown, label: string): boolean {
  if (typeof value !== 'boolean') throw invalidType(label, 'of type boolean', value)
  return value
}

/** An object of arguments. */
export function checkObject<T extends object>(value: T, label: string): T {
  if (typeof value !== 'object' || value === null) throw invalidType(label, 'of type object', value)
  return value
}

/** One of the words of a table, or its number. */
export function checkWord(value: unknown, label: string, words: Readonly<Record<string, number>>, most = 255): number {
  if (typeof value === 'number') return checkInteger(value, label, 0, most)
  if (typeof value !== 'string') throw invalidType(label, 'of type string or number', value)
  const number = Object.hasOwn(words, value) ? words[value] : undefined
  if (number === undefined) throw invalidValue(label, value, `known are ${Object.keys(words).join(', ')}`)
  return number
}

/** 4 or 6, or nothing. */
export function checkFamily(family: unknown, label: string): 4 | 6 | undefined {
  if (family !== undefined && family !== 4 && family !== 6) throw invalidValue(label, family, 'it must be 4 or 6')
  return family
}

/** The number of a family, or of any. */
export function checkFamilyNumber(family: unknown, label: string): number {
  const version = checkFamily(family, label)
  if (version === undefined) return AF.unspec
  return version === 4 ? AF.inet : AF.inet6
}

/** A namespace. */
export function checkNamespace(value: unknown, label: string): Namespace {
  if (!Namespace.is(value)) throw invalidType(label, 'an instance of NetNs', value)
  return value
}

/** Whether the argument of `add` is many. */
export function isIterable<T extends object>(value: T | Iterable<T>): value is Iterable<T> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

/** The other way round: a word for a number, or the number. */
export function wordOf(words: Readonly<Record<string, number>>, number: number): string {
  for (const word in words) if (words[word] === number) return word
  return String(number)
}
