/** Node's own bindings to native code, as far as it shows them: with the permission model it shows nothing. */
import type { AnyFunction } from './patches.ts'

/** One of them. */
export function shownBinding(name: string): object | undefined {
  const { binding, noDeprecation } = process as unknown as { binding?: AnyFunction; noDeprecation?: boolean }
  // Other ways to it take much longer or are none, so the advice to find one is of no use to anybody. Node's own flag
  // makes the property one that cannot be set, and needs not be; nor can it where `process` is frozen.
  if (noDeprecation !== true) Reflect.set(process, 'noDeprecation', true)
  try {
    return binding?.call(process, name)
  } catch {
    return undefined
  } finally {
    if (noDeprecation === undefined) Reflect.deleteProperty(process, 'noDeprecation')
    else if (noDeprecation !== true) Reflect.set(process, 'noDeprecation', noDeprecation)
  }
}
