/** Realms: a context of `vm`, as Jest makes one for each file of tests, has a global object and built-in classes of its own. */
import { builtin } from './builtin.ts'

let found: typeof globalThis | undefined

/** The global object that Node's own modules have, which is another than ours where we are loaded into a context of `vm`. */
export function nodeGlobal(): typeof globalThis {
  found ??= isNodes() ? globalThis : (builtin('vm').runInThisContext('globalThis') as typeof globalThis)
  return found
}

/** Whether something is where chains of prototypes end, in whichever realm. */
export function isRoot(prototype: object | null): boolean {
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function isNodes(): boolean {
  return builtin('async_hooks').AsyncLocalStorage instanceof Function
}
