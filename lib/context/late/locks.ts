/** Locks that whoever released them last passes on, to a callback that is to run where it was given. */
import type { AnyFunction, Patches } from '../patches.ts'
import { returning } from '../storage.ts'

/** Puts the hook on, where this Node has locks. */
export function hookLocks(patches: Patches): void {
  const { navigator } = globalThis as { navigator?: { locks?: object } }
  const locks = navigator?.locks
  if (locks === undefined) return
  patches.method(Object.getPrototypeOf(locks), 'request', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      return original.apply(
        this,
        args.map((argument) => (typeof argument === 'function' ? returning(argument as AnyFunction) : argument))
      )
    }
  })
}
