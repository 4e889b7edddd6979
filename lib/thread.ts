/** The JavaScript thread goes in, runs a function and comes back. */
import { builtin } from './builtin.ts'
import { asynchronous, fromNative, mainThread, notCalled } from './errors.ts'
import { attempt, type Handle, often } from './native.ts'
import { validateBoolean, validateOptions } from './validate.ts'

/** How a thread moves for good. */
export interface EnterThreadOptions {
  /** Even if it is the process's main thread. @defaultValue `false` */
  force?: boolean | undefined
}

let prepared = false

/**
 * What must exist before a JavaScript thread is inside for the first time, as whatever is born inside stays inside:
 * libuv's pool, which the first file operation makes before it returns.
 */
export function prepareThread(): void {
  if (prepared) return
  prepared = true
  builtin('fs').stat('/', () => {})
  // `process.exit()` inside never returns to the section, and listeners must not run in the wrong network.
  process.prependListener('exit', () => attempt((binding) => binding.retreat()))
}

/** What is to be called inside: set right before native code calls what follows, and taken at once, as calls nest. */
let nextFn: ((...args: never[]) => unknown) | undefined
let nextArgs: readonly unknown[] | undefined
/** What became of the last one, unless it returned: what it threw. Until it has ended, {@link UNENDED}. */
let failure: { error: unknown } | undefined
const UNENDED = { error: undefined }

function perform(): unknown {
  const fn = nextFn as (...args: never[]) => unknown
  const args = nextArgs
  nextFn = undefined
  nextArgs = undefined
  // Caught on this side, so that even a thrown primitive passes as it is.
  try {
    // To spread nothing takes as long as the call.
    const returned = args === undefined ? fn() : fn(...(args as never[]))
    failure = undefined
    return returned
  } catch (error) {
    failure = { error }
    return undefined
  }
}

/** Calls `fn` with the thread inside. What it throws passes untouched. */
export function callInside<A extends unknown[], R>(slot: number, fn: (...args: A) => R, args: A): R {
  if (!prepared) prepareThread()
  const { runInside, given } = often()
  nextFn = fn
  nextArgs = args.length > 0 ? args : undefined
  let outcome: unknown
  try {
    given.number[0] = slot
    given.callback = perform
    failure = UNENDED
    outcome = runInside()
  } catch (error) {
    nextFn = undefined
    nextArgs = undefined
    throw fromNative(error)
  }
  if (failure !== undefined) {
    // In a thread that is being ended, native code calls nobody back, and cannot say so.
    const { error } = failure === UNENDED ? { error: notCalled() } : failure
    failure = undefined
    throw error
  }
  return outcome as R
}

/** Runs `fn` with the thread inside; see `NetNs#runSync`. */
export function runSync<A extends unknown[], R>(slot: number, fn: (...args: A) => R, args: A): R {
  const outcome = callInside(slot, fn, args)
  if (outcome !== undefined && isThenable(outcome)) {
    // The mistake is reported once, here, not a second time as an unhandled rejection. Another thenable is left alone:
    // asking for its result is what starts a lazy one, and that would be outside.
    if (builtin('util').types.isPromise(outcome)) outcome.catch(() => {})
    throw asynchronous()
  }
  return outcome
}

/** Moves the calling thread for good; see `NetNs#enterThread`. */
export function enterThread(handle: Handle, options?: EnterThreadOptions): void {
  const force = validateBoolean(validateOptions(options).force, 'options.force', false)
  if (builtin('worker_threads').isMainThread && !force) throw mainThread()
  prepareThread()
  attempt((binding) => binding.moveThread(handle))
}

function isThenable(value: unknown): boolean {
  return (
    (typeof value === 'object' || typeof value === 'function') &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
