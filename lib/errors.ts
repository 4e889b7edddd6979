/** Every error of the library is made here, or in the file of this name of the one part that it is of. */
import type { InspectOptions } from 'node:util'
import { currentRuntime } from './runtime.ts'

/** What native code says of a failure: data, as an exception thrown off the JavaScript thread has no stack. */
export interface ErrorRecord {
  /** An errno's name, or `ERR_NETNS_…`. */
  code: string
  message: string
  /** Negative, as Node has it. */
  errno?: number
  /** The system call that failed. */
  syscall?: string
  /** The file it was about. */
  path?: string
}

/**
 * A failure, in the shape of Node's own system errors. Match on `code`: `docs/errors.md` has the table.
 *
 * @example
 * ```ts
 * try {
 *   NetNs.fromName('red')
 * } catch (error) {
 *   if (!(error instanceof NetnsError && error.code === 'ENOENT')) throw error
 * }
 * ```
 */
export class NetnsError extends Error {
  /** An errno's name (`ENOENT`) for system errors, `ERR_NETNS_…` for ours. */
  readonly code: string
  /** The negative errno, as Node has it, for system errors. */
  declare readonly errno?: number
  /** The system call that failed. */
  declare readonly syscall?: string
  /** The file it was about. */
  declare readonly path?: string

  /** @param record - what failed; `options.cause` - what made it fail, if that is an error of its own. */
  constructor(record: ErrorRecord, options?: ErrorOptions) {
    super(record.message, options)
    this.code = record.code
    if (record.errno !== undefined) this.errno = record.errno
    if (record.syscall !== undefined) this.syscall = record.syscall
    if (record.path !== undefined) this.path = record.path
  }

  /** True for errors of every copy of this library, where `instanceof` is not. */
  get [Symbol.for('node-netns.error')](): true {
    return true
  }
}

// As Node's own classes have it: inherited and not enumerable.
Object.defineProperty(NetnsError.prototype, 'name', { value: 'NetnsError', configurable: true, writable: true })

/** Turns what native code threw into an error of ours; what user code threw passes untouched. */
export function fromNative(thrown: unknown): unknown {
  if (isErrorRecord(thrown)) {
    // A name that native code alone found wrong is an argument error all the same.
    return thrown.code === 'ERR_INVALID_ARG_VALUE'
      ? coded(new TypeError(thrown.message), thrown.code)
      : new NetnsError(thrown)
  }
  return thrown
}

/** Whether native code threw it: it marks its own, as user code may throw anything through it. */
export function isErrorRecord(thrown: unknown): thrown is ErrorRecord {
  return typeof thrown === 'object' && thrown !== null && 'netnsRecord' in thrown
}

/** There are too few descriptors, or there is too little memory. */
export const SHORTAGES = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS']

/** Whether it is an error of ours that says there was too little of something, as any call may. */
export function isShortage(error: unknown): error is NetnsError & { errno: number } {
  return error instanceof NetnsError && error.errno !== undefined && SHORTAGES.includes(error.code)
}

/** `ERR_NETNS_CLOSED`: a method of a closed handle was called. */
export function closed(id: string): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_CLOSED',
    message: `the handle of ${id} is closed. Open the namespace again, or keep the handle open for longer.`
  })
}

/** `ERR_NETNS_UNSUPPORTED`: there is nothing to work with on this platform. */
export function unsupported(why: string, remedy: string, cause?: unknown): NetnsError {
  const options = cause === undefined ? undefined : { cause }
  return new NetnsError({ code: 'ERR_NETNS_UNSUPPORTED', message: `${why}. ${remedy}` }, options)
}

/** `ERR_NETNS_ASYNC`: a function that goes on after it returned was given to `runSync`. */
export function asynchronous(): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_ASYNC',
    message:
      'runSync was given a function that returned a promise, but the thread is back outside before the first await ' +
      'of it has gone on. Use run for asynchronous functions.'
  })
}

/** `ERR_NETNS_MAIN_THREAD`: the main thread was to move for good. */
export function mainThread(): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_MAIN_THREAD',
    message:
      'enterThread would move the main thread of the process for good, and everything it starts with it. Call it in a ' +
      'Worker, or pass { force: true }.'
  })
}

/** `ECANCELED`: a thread that is being ended calls nobody any more. */
export function notCalled(): NetnsError {
  const message = 'ECANCELED: operation canceled, setns: the thread is being ended, and nothing was called inside'
  return new NetnsError({ code: 'ECANCELED', errno: -125, syscall: 'setns', message })
}

/** `ERR_NETNS_OUTSIDE`: I/O outside of every context, which `NetNs.outside('deny')` refuses. */
export function outsideContext(): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_OUTSIDE',
    message:
      "this I/O started outside of every namespace's context, which NetNs.outside('deny') refuses. Start it in run, or " +
      'bind the callback it starts in.'
  })
}

/** `ERR_NETNS_NOT_COVERED`: a call that cannot be made inside, and would do its work in another network. */
export function notCovered(call: string, why: string): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_NOT_COVERED',
    message: `${call} cannot be called in the context of a namespace: ${why}. Call it at home, as by NetNs.home().run.`
  })
}

/** What the kernel lacked, by the negative errno that Node has of it, as contexts were to be tried. */
export function lacking(code: string, errno: number, meaning: string): NetnsError {
  const message = `${code}: ${meaning}, bind: cannot try whether contexts hold. Free what there is too little of, and try again.`
  return new NetnsError({ code, errno, syscall: 'bind', message })
}

/** `ERR_NETNS_RUNTIME`: contexts would not hold on this runtime, so there are none. */
export function runtimeLacks(what: string): NetnsError {
  const { name, version } = currentRuntime()
  return new NetnsError({
    code: 'ERR_NETNS_RUNTIME',
    message:
      `contexts need ${what}, which ${name} ${version} does not have. Handles, names and runSync still work; for contexts ` +
      'use Node.js 20.19 or newer.'
  })
}

/** `ERR_NETNS_RUNTIME`: somebody made read-only what contexts would have to replace. */
export function readOnly(what: string): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_RUNTIME',
    message:
      `contexts need to replace ${what}, which is read-only, as what is frozen. Start the program with ` +
      '`node --import node-netns/register`, or use a context before that is done.'
  })
}

/** `ERR_NETNS_RUNTIME`: a runtime of before this library, or one that does not have what it stands on. */
export function runtimeTooOld(what: string): NetnsError {
  const { name, version } = currentRuntime()
  return new NetnsError({
    code: 'ERR_NETNS_RUNTIME',
    message: `this library needs ${what}, which ${name} ${version} does not have. Use Node.js 20.19 or newer.`
  })
}

/** `ERR_NETNS_CAPTURED`: a function of Node's was taken before the hooks were on, and would leave the namespace. */
export function capturedReference(name: string, call: string): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_CAPTURED',
    message:
      `${call} was refused: this reference to ${name} was taken before contexts were used for the first time, and would ` +
      'not stay in the namespace. Start the program with `node --import node-netns/register`.'
  })
}

/** `ERR_NETNS_DISPATCHER`: the program's global dispatcher of `fetch` cannot be made again for a namespace. */
export function dispatcherRefused(kind: string): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_DISPATCHER',
    message:
      `the global dispatcher, a ${kind}, was not used: its connections would be shared by namespaces, and it cannot be ` +
      'made again for this one. Make one inside, and give it to fetch as `dispatcher`.'
  })
}

/** `ERR_NETNS_STRAYED`: the kernel says that a socket is of another namespace than it should be. It was closed. */
export function strayed(wanted: string): NetnsError {
  return new NetnsError({
    code: 'ERR_NETNS_STRAYED',
    message: `a socket that belongs in ${wanted} was opened elsewhere, and was closed unused. Please report this.`
  })
}

/** `ABORT_ERR`, as Node's own. */
export function aborted(signal: AbortSignal): Error {
  const error = new Error('The operation was aborted', { cause: signal.reason })
  error.name = 'AbortError'
  return coded(error, 'ABORT_ERR')
}

/** `EBADF`: a number that is no open descriptor. */
export function badDescriptor(fd: number): NetnsError {
  const message = `EBADF: bad file descriptor, fcntl: cannot use descriptor ${fd}`
  return new NetnsError({ code: 'EBADF', errno: -9, syscall: 'fcntl', message })
}

/** `ERR_INVALID_ARG_TYPE`, worded as Node words it. */
export function invalidType(name: string, expected: string, actual: unknown): TypeError {
  const message = `The ${kind(name)} must be ${expected}. Received ${received(actual)}`
  return coded(new TypeError(message), 'ERR_INVALID_ARG_TYPE')
}

/** `ERR_INVALID_ARG_VALUE`, worded as Node words it. */
export function invalidValue(name: string, actual: unknown, reason: string): TypeError {
  const shown = inspect(actual, { maxStringLength: 128, breakLength: Number.POSITIVE_INFINITY, depth: 0 })
  const message = `The ${kind(name)} is invalid: ${reason}. Received ${shown}`
  return coded(new TypeError(message), 'ERR_INVALID_ARG_VALUE')
}

/** `ERR_OUT_OF_RANGE`, worded as Node words it. */
export function outOfRange(name: string, range: string, actual: unknown): RangeError {
  const message = `The value of ${JSON.stringify(name)} is out of range. It must be ${range}. Received ${inspect(actual)}`
  return coded(new RangeError(message), 'ERR_OUT_OF_RANGE')
}

/** What a name stands for, in words. */
export function kind(name: string): string {
  return `${JSON.stringify(name)} ${name.includes('.') ? 'property' : 'argument'}`
}

function received(actual: unknown): string {
  if (actual === null || actual === undefined) return String(actual)
  if (typeof actual === 'function') return `function ${actual.name}`
  if (typeof actual === 'object') {
    const name = actual.constructor?.name
    return name ? `an instance of ${name}` : inspect(actual, { depth: -1 })
  }
  return `type ${typeof actual} (${inspect(actual, { maxStringLength: 32 })})`
}

/** Gives an error its code. */
export function coded<E extends Error>(error: E, code: string): E {
  return Object.assign(error, { code })
}

/** As Node's own, which is not asked of `builtin.ts`, as its errors are made here. */
function inspect(value: unknown, options?: InspectOptions): string {
  if (typeof process.getBuiltinModule !== 'function') return String(value)
  return process.getBuiltinModule('node:util').inspect(value, options)
}
