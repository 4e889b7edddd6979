/** Locks that whoever released them last passes on, to a callback that is to run where it was given. */
import { builtin } from '../../builtin.ts'
import type { AnyFunction, Patches } from '../patches.ts'
import { returning } from '../storage.ts'

/**
 * Puts the hook on, where this Node has locks.
 *
 * @param withThreads - whether `worker_threads` has them too: Node takes a while to make a `navigator`
 */
export function hookLocks(patches: Patches, withThreads: boolean): void {
  const threads = withThreads ? (builtin('worker_threads') as { locks?: object }) : undefined
  const locks = threads?.locks ?? (globalThis as { navigator?: { locks?: object } }).navigator?.locks
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
