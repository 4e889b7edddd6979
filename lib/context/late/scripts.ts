/**
 * Scripts that are interrupted, by a timeout or Ctrl-C: nothing in them runs any more, `finally` neither, so that the
 * context which they were in at that moment would be that of whoever waited for them. So would whatever else hooks set for
 * the time of a call.
 */
import { builtin } from '../../builtin.ts'
import type { AnyFunction, Patches } from '../patches.ts'

const INTERRUPTED = new Set<unknown>(['ERR_SCRIPT_EXECUTION_TIMEOUT', 'ERR_SCRIPT_EXECUTION_INTERRUPTED'])

/** What a script or a module may be interrupted by. */
interface Limits {
  timeout?: number
  breakOnSigint?: boolean
}

/**
 * Puts the hooks on.
 *
 * @param note - notes how everything is now, and returns what puts it back
 */
export function hookScripts(patches: Patches, note: () => () => void): void {
  const { Script, Module } = builtin('vm') as typeof import('node:vm') & { Module?: { prototype: object } }
  // Of the class behind it, which each of its methods calls.
  const contextified = Object.getPrototypeOf(Script.prototype) as Record<'runInContext', AnyFunction>
  patches.value(contextified, 'runInContext', comingBack(contextified.runInContext, note))
  // There with --experimental-vm-modules alone.
  if (Module !== undefined) patches.method(Module.prototype, 'evaluate', (original) => comingBackAtOnce(original, note))
}

function comingBack(original: AnyFunction, note: () => () => void): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const back = note()
    try {
      return original.apply(this, args)
    } catch (error) {
      if (INTERRUPTED.has((error as NodeJS.ErrnoException | undefined)?.code)) back()
      throw error
    }
  }
}

/** Of a module only a promise tells that it was interrupted, which is too late. */
function comingBackAtOnce(original: AnyFunction, note: () => () => void): AnyFunction {
  return function (this: unknown, limits?: Limits) {
    const back = note()
    const outcome = original.call(this, limits)
    if (limits?.timeout !== undefined || limits?.breakOnSigint === true) back()
    return outcome
  }
}
