/** What Node does synchronously: children, the list of interfaces. */
import { builtin } from '../builtin.ts'
import { spawnBrokered, waitingBrokered } from './children.ts'
import { listInterfaces } from './interfaces.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { here, inside, isBrokered } from './place.ts'
import type { Prototypes } from './prototypes.ts'

/** Puts the hooks on. */
export function hookCalls(patches: Patches, { process: child }: Prototypes): void {
  patches.method(child, 'spawn', (original) => calling(original, spawnBrokered))
  const childProcess = builtin('child_process')
  for (const [name, brokered] of Object.entries(waitingBrokered)) {
    patches.method(childProcess, name, (original) =>
      calling(original, (_original, _this, place, ...args) => brokered(original, place, args))
    )
  }
  patches.method(builtin('os'), 'networkInterfaces', (original) =>
    calling(original, (_original, _this, place) => listInterfaces(place))
  )
}

/** The whole call is made with the thread inside, or in another way where the thread may not go. */
function calling(original: AnyFunction, brokered: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return original.apply(this, args)
    if (isBrokered(place)) return brokered(original, this, place, ...args)
    return inside(place, () => original.apply(this, args))
  }
}
