/**
 * What connects for a dispatcher of undici's. A request that waits for a connection gets one when another request is done
 * with, and who tells of that may be in any context: an error's, or that of the one timer which undici has for all.
 */
import type { Namespace } from '../../namespace.ts'
import type { Dispatcher } from '../dispatchers.ts'
import type { AnyFunction } from '../patches.ts'
import { hereOrHome } from '../place.ts'
import { runIn } from '../storage.ts'

/**
 * Where routers, of every copy of this library, have what they stand before, and where what was put in the place of a
 * function has that.
 */
export const BEFORE = Symbol.for('node-netns.before')

/** Has all that a dispatcher connects from now on be in `place`; undefined for home. */
export function connectIn(dispatcher: Dispatcher, place: Namespace | undefined): void {
  const symbols = new Map(Object.getOwnPropertySymbols(dispatcher).map((symbol) => [symbol.description, symbol]))
  const own = (name: string): unknown => Reflect.get(dispatcher, symbols.get(name) ?? name)
  const replace = (name: string, make: (place: Namespace | undefined, before: AnyFunction) => AnyFunction) => {
    const before = own(name)
    if (typeof before === 'function')
      Reflect.set(dispatcher, symbols.get(name) ?? name, make(place, before as AnyFunction))
  }
  const clients = own('clients')
  for (const each of listed(clients)) connectIn(each, place)
  // Its options are what others are made of; a pool's have the connector of its clients.
  if (clients instanceof Map) replace('factory', poolsIn)
  else settle(own('options') as { connect?: unknown } | undefined, place)
  replace('connector', connecting)
}

/** What makes an agent's pools, so that they connect in `place`. */
export function poolsIn(place: Namespace | undefined, factory: AnyFunction): AnyFunction {
  const made = function (this: unknown, ...args: unknown[]) {
    const pool: Dispatcher = factory.apply(this, args)
    connectIn(pool, place)
    return pool
  }
  return Object.assign(made, { [BEFORE]: originalOf(factory) })
}

/** What an agent's pools are made by, whatever network they are for. */
export function originalOf(factory: AnyFunction): AnyFunction {
  return (factory as { [BEFORE]?: AnyFunction })[BEFORE] ?? factory
}

function settle(options: { connect?: unknown } | undefined, place: Namespace | undefined): void {
  if (typeof options?.connect === 'function') options.connect = connecting(place, options.connect as AnyFunction)
}

function connecting(place: Namespace | undefined, connect: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    return hereOrHome() === place ? connect.apply(this, args) : runIn(place, () => connect.apply(this, args))
  }
}

/** An agent's pools by their origins, which newer ones count, or a pool's clients. */
function listed(clients: unknown): Dispatcher[] {
  if (!(clients instanceof Map) && !Array.isArray(clients)) return []
  return [...(clients as Map<string, Dispatcher | { dispatcher: Dispatcher }>).values()].map((each) =>
    'dispatcher' in each ? each.dispatcher : each
  )
}
