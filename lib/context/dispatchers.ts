/** The dispatcher of `fetch`, `WebSocket` and `EventSource` holds connections, so it is one per namespace. */

import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { nodeGlobal } from '../realm.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome, outsideOrHome } from './place.ts'

/** What has connections, or chooses them. */
export type Dispatcher = { dispatch: AnyFunction }

const LEGACY = Symbol.for('undici.globalDispatcher.1')
const MODERN = Symbol.for('undici.globalDispatcher.2')
const globals = nodeGlobal() as { [LEGACY]?: Dispatcher; [MODERN]?: Dispatcher }
/** What undici publishes of every request as it is dispatched, before there is a connection for it. */
const CHANNEL = 'undici:request:create'
const routers = new WeakSet<Dispatcher>()
/** By what they stand before, which may be both global ones, or be set again. */
const known = new WeakMap<Dispatcher, Dispatcher>()

/**
 * The dispatcher that `fetch`, `WebSocket` and `EventSource` use is global, so it becomes one that asks where it is. It
 * exists once one of them was touched, which is not worth 20 ms before somebody does, and the program may set another at
 * any time. Undici tells of the first request to such a one. The first {@link route} is for when nothing else can fail, as
 * a dispatcher that was routed stays so.
 */
export function hookFetch(patches: Patches): void {
  for (const symbol of [LEGACY, MODERN] as const) reserve(symbol, patches)
  const { subscribe, unsubscribe } = builtin('diagnostics_channel')
  const dispatched = () => route(hereOrHome())
  subscribe(CHANNEL, dispatched)
  patches.whenUndone(() => unsubscribe(CHANNEL, dispatched))
  for (const realm of new Set([nodeGlobal(), globalThis])) {
    if (typeof realm.fetch !== 'function') continue
    patches.replace(realm, 'fetch', routing(realm.fetch))
  }
}

function routing(fetch: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    route()
    return fetch.apply(this, args)
  }
}

/**
 * Has the global object have a property, as undici takes `undefined` for none: to find that one is missing takes as long on
 * every way in as all the rest of it in JavaScript, to look at one that is there takes nothing.
 */
function reserve(symbol: typeof LEGACY | typeof MODERN, patches: Patches): void {
  if (symbol in globals) return
  if (!Reflect.defineProperty(globals, symbol, { value: undefined, writable: true, configurable: true })) return
  patches.whenUndone(() => {
    if (globals[symbol] === undefined) delete globals[symbol]
  })
}

/**
 * Puts a router before each global dispatcher that has none, as after a `setGlobalDispatcher`.
 *
 * @param user - whose connections the dispatcher has, or will have; undefined for home. As everybody shares it, it is
 *   outside's unless it is known to be used elsewhere
 */
export function route(user: Namespace | undefined = outsideOrHome()): void {
  // One by one and by constant names, as a loop over the two takes half a microsecond on every way in.
  const legacy = globals[LEGACY]
  const modern = globals[MODERN]
  if (legacy !== undefined && !routers.has(legacy)) globals[LEGACY] = routed('legacy', legacy, user)
  if (modern !== undefined && !routers.has(modern)) globals[MODERN] = routed('modern', modern, user)
}

function routed(which: 'legacy' | 'modern', first: Dispatcher, user: Namespace | undefined): Dispatcher {
  const router = known.get(first) ?? parts.web.routerOf(which, first, user)
  known.set(first, router)
  routers.add(router)
  return router
}
