/** Node's own bindings to native code, as far as it shows them: with the permission model it shows nothing. */
import { type AnyFunction, Patches } from './patches.ts'

/** One of them. */
export function shownBinding(name: string): object | undefined {
  const { binding } = process as unknown as { binding?: AnyFunction }
  const quiet = new Patches()
  // Other ways to it take much longer or are none, so the advice to find one is of no use to anybody.
  quiet.value(process, 'noDeprecation', true)
  try {
    return binding?.call(process, name)
  } catch {
    return undefined
  } finally {
    quiet.undo()
  }
}
