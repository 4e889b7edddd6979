/** What Node does synchronously: children, the list of interfaces. */
import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { contextOf, here, inside, isBrokered } from './place.ts'
import { findPrototype } from './prototypes.ts'

/** Those that wait for their child. */
const WAITING = ['spawnSync', 'execFileSync', 'execSync'] as const

/** Puts the hooks on what starts children, and on what they send: a socket or server from them belongs where they do. */
export function hookChildren(patches: Patches): void {
  patches.method(builtin('child_process').ChildProcess.prototype, 'emit', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const handle = args[2] as { asyncReset?(resource: object): void } | undefined
      if (args[0] === 'internalMessage' && contextOf() !== undefined) handle?.asyncReset?.(handle)
      return original.apply(this, args)
    }
  })
  patches.method(findPrototype('process'), 'spawn', (original) =>
    calling(original, (handle, place, args) => parts.brokered.spawnBrokered(original, handle as object, place, ...args))
  )
  for (const name of WAITING) {
    patches.method(builtin('child_process'), name, (original) =>
      calling(original, (_this, place, args) => parts.brokered.waitingBrokered[name](original, place, args))
    )
  }
}

/** Puts the hook on `os.networkInterfaces`. */
export function hookInterfaces(patches: Patches): void {
  patches.method(builtin('os'), 'networkInterfaces', (original) =>
    calling(original, (_this, place) => parts.brokered.listInterfaces(place))
  )
}

type Brokered = (self: unknown, place: Namespace, args: unknown[]) => unknown

/** The whole call is made with the thread inside, or in another way where the thread may not go. */
function calling(original: AnyFunction, brokered: Brokered): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return original.apply(this, args)
    if (isBrokered(place)) return brokered(this, place, args)
    return inside(place, () => original.apply(this, args))
  }
}
