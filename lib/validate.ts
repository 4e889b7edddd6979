/** Arguments are checked here, before anything native runs. */
import { builtin } from './builtin.ts'
import { invalidType, invalidValue, outOfRange } from './errors.ts'

/** `NAME_MAX` of Linux, in bytes. */
const LONGEST_NAME = 255
const SLASH = 0x2f
const LAST_ASCII = 0x7f
/** The largest C `int`. */
const LARGEST_INT = 2 ** 31 - 1

/** A name that iproute2 would take too. */
export function validateName(name: unknown, label = 'name'): string {
  if (typeof name !== 'string') throw invalidType(label, 'of type string', name)
  const broken = brokenRule(name)
  if (broken !== undefined) throw invalidValue(label, name, broken)
  return name
}

function brokenRule(name: string): string | undefined {
  if (isPlain(name)) return undefined
  if (name === '') return 'a name cannot be empty'
  if (name === '.' || name === '..') return 'a name cannot be . or ..'
  if (name.includes('/')) return 'a name cannot contain a slash'
  if (name.includes('\0')) return 'a name cannot contain a NUL'
  if (!name.isWellFormed()) return 'a name cannot contain a lone surrogate'
  // No character takes more than three bytes.
  if (name.length > LONGEST_NAME / 3 && Buffer.byteLength(name) > LONGEST_NAME)
    return 'a name cannot be longer than 255 bytes'
  return undefined
}

/** Whether it breaks no rule for a simple reason, as most do: to look for each that it may break takes its time. */
function isPlain(name: string): boolean {
  if (name.length === 0 || name.length > LONGEST_NAME || name[0] === '.') return false
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index)
    if (code === SLASH || code === 0 || code > LAST_ASCII) return false
  }
  return true
}

/** A positive integer, as a process or thread id is. */
export function validateId(id: unknown, label: string): number {
  return validateInteger(id, label, 1)
}

/** A descriptor number. */
export function validateDescriptor(fd: unknown): number {
  return validateInteger(fd, 'fd', 0)
}

/** An integer between `least` and the largest C `int`, unless `most` says otherwise. */
export function validateInteger(value: unknown, label: string, least: number, most = LARGEST_INT): number {
  if (typeof value !== 'number') throw invalidType(label, 'of type number', value)
  if (!Number.isInteger(value)) throw outOfRange(label, 'an integer', value)
  if (value < least || value > most) throw outOfRange(label, `>= ${least} && <= ${most}`, value)
  return value
}

/** A string that C can hold. */
export function validateString(value: unknown, label: string): string {
  if (typeof value !== 'string') throw invalidType(label, 'of type string', value)
  if (value.includes('\0')) throw invalidValue(label, value, 'it cannot contain a NUL')
  return value
}

/** A path as Node's `fs` takes it, as bytes. */
export function validatePath(path: unknown, label = 'path'): Buffer {
  const bytes = pathBytes(path, label)
  if (bytes.length === 0) throw invalidValue(label, path, 'a path cannot be empty')
  if (bytes.includes(0)) throw invalidValue(label, path, 'a path cannot contain a NUL')
  return bytes
}

/** A directory of names: text, as paths are made of it and the name. */
export function validateDirectory(directory: unknown, label = 'options.directory'): string {
  if (typeof directory !== 'string') throw invalidType(label, 'of type string', directory)
  return validatePath(directory, label).toString()
}

function pathBytes(path: unknown, label: string): Buffer {
  if (typeof path === 'string') return Buffer.from(path)
  if (path instanceof URL) return Buffer.from(builtin('url').fileURLToPath(path))
  if (path instanceof Uint8Array) return Buffer.from(path)
  throw invalidType(label, 'of type string or an instance of Buffer or URL', path)
}

/** A function. */
export function validateFunction(fn: unknown, label = 'fn'): void {
  if (typeof fn !== 'function') throw invalidType(label, 'of type function', fn)
}

/** An options object or nothing. */
export function validateOptions<T extends object>(options: T | undefined, label = 'options'): Partial<T> {
  if (options === undefined) return {}
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidType(label, 'of type object', options)
  }
  return options
}

/** A boolean, or nothing for its default. */
export function validateBoolean(value: unknown, label: string, byDefault: boolean): boolean {
  if (value === undefined) return byDefault
  if (typeof value !== 'boolean') throw invalidType(label, 'of type boolean', value)
  return value
}

/** An `AbortSignal` or nothing. */
export function validateSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined
  if (!isSignal(signal)) throw invalidType('options.signal', 'an instance of AbortSignal', signal)
  return signal
}

/** By shape, as a signal may be of another realm or of a polyfill. */
function isSignal(value: unknown): value is AbortSignal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'throwIfAborted' in value &&
    'addEventListener' in value
  )
}
