/**
 * What Node's resolvers ask c-ares. A reference to their class from before the hooks were on would ask from home, so that
 * it is refused in contexts; resolvers of ours have the same methods.
 */
import type { Channel } from '../dns/channel.ts'
import { capturedReference } from '../errors.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { elsewhere } from './place.ts'
import type { HandlePrototype } from './prototypes.ts'

/** By its name, each method as it is with its hook on. */
const hooked = new Map<string, AnyFunction>()
/** By its name, what each method is of a resolver of ours. */
const ours = new Map<string, AnyFunction>()
let native: HandlePrototype | undefined
let OurChannel: typeof Channel | undefined

/** Puts the hooks on. */
export function hookQueries(patches: Patches, resolver: HandlePrototype): void {
  native = resolver
  for (const name of Object.getOwnPropertyNames(resolver)) {
    if (!name.startsWith('query') && name !== 'getHostByAddr') continue
    patches.inner(resolver, name, (original) => {
      return function (this: unknown, ...args: unknown[]) {
        const own = OurChannel !== undefined && this instanceof OurChannel ? ours.get(name) : undefined
        if (own !== undefined) return own.apply(this, args)
        if (elsewhere() !== undefined) throw capturedReference('dns', 'the query')
        return original.apply(this, args)
      }
    })
    hooked.set(name, Reflect.get(resolver, name) as AnyFunction)
  }
}

/**
 * Tells of the class of our resolvers' channels, once it is loaded. Whoever replaces a method of c-ares's later, to measure
 * it or for a test, means what is asked inside too.
 */
export function standIn(ChannelClass: typeof Channel): void {
  OurChannel = ChannelClass
  for (const [name, method] of hooked) {
    const own = Reflect.get(ChannelClass.prototype, name) as AnyFunction | undefined
    if (own === undefined) continue
    ours.set(name, own)
    Object.defineProperty(ChannelClass.prototype, name, {
      configurable: true,
      get() {
        const current = native?.[name]
        return current === method ? own : current
      }
    })
  }
}
