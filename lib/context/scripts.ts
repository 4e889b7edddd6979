/**
 * Scripts that are interrupted, by a timeout or Ctrl-C: nothing in them runs any more, `finally` neither, so that the
 * context which they were in at that moment would be that of whoever waited for them. So would whatever else hooks set for
 * the time of a call.
 */
import { builtin } from '../builtin.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { contextOf, enterIn, noteRuns } from './storage.ts'

const INTERRUPTED = new Set<unknown>(['ERR_SCRIPT_EXECUTION_TIMEOUT', 'ERR_SCRIPT_EXECUTION_INTERRUPTED'])

/** What a script or a module may be interrupted by. */
interface Limits {
  timeout?: number
  breakOnSigint?: boolean
}

/** Notes how something is now, and returns what puts it back. */
type Note = () => () => void

const notes: Note[] = [noteContext, noteRuns]

/** Has `note` called before each script, and what it returns if that is interrupted. */
export function keepThroughScripts(note: Note): void {
  notes.push(note)
}

/** Puts the hooks on. */
export function hookScripts(patches: Patches): void {
  const { Script, Module } = builtin('vm') as typeof import('node:vm') & { Module?: { prototype: object } }
  // Of the class behind it, which each of its methods calls.
  const contextified = Object.getPrototypeOf(Script.prototype) as Record<'runInContext', AnyFunction>
  patches.value(contextified, 'runInContext', comingBack(contextified.runInContext))
  // There with --experimental-vm-modules alone.
  if (Module !== undefined) patches.method(Module.prototype, 'evaluate', comingBackAtOnce)
}

function comingBack(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const back = noted()
    try {
      return original.apply(this, args)
    } catch (error) {
      if (INTERRUPTED.has((error as NodeJS.ErrnoException | undefined)?.code)) back()
      throw error
    }
  }
}

/** Of a module only a promise tells that it was interrupted, which is too late. */
function comingBackAtOnce(original: AnyFunction): AnyFunction {
  return function (this: unknown, limits?: Limits) {
    const back = noted()
    const outcome = original.call(this, limits)
    if (limits?.timeout !== undefined || limits?.breakOnSigint === true) back()
    return outcome
  }
}

function noted(): () => void {
  const undo = notes.map((note) => note())
  return () => {
    for (const back of undo) back()
  }
}

function noteContext(): () => void {
  const before = contextOf()
  return () => {
    if (contextOf() !== before) enterIn(before)
  }
}
