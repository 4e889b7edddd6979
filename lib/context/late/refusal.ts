/** Modules that could not be hooked, so that they cannot be used in a context. */
import type { AnyFunction, Patches } from '../patches.ts'
import { elsewhere } from '../place.ts'

/**
 * Has every function of `module` throw `error` in a context.
 *
 * @param patches - an empty set of them, which stay on
 */
export function refuse(patches: Patches, module: object, error: unknown): void {
  const check = () => {
    if (elsewhere() !== undefined) throw error
  }
  for (const [name, value] of Object.entries(module)) {
    if (name === 'promises') refuse(patches, value, error)
    if (typeof value !== 'function') continue
    const refusing: ProxyHandler<AnyFunction> = {
      apply(target, self, args) {
        check()
        return Reflect.apply(target, self, args)
      },
      construct(target, args, newTarget) {
        check()
        return Reflect.construct(target, args, newTarget)
      }
    }
    patches.value(module, name, new Proxy(value, refusing))
  }
}
