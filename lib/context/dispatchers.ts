/** The dispatcher of `fetch`, `WebSocket` and `EventSource` holds connections, so it is one per namespace. */

import { builtin } from '../builtin.ts'
import { dispatcherRefused } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome } from './place.ts'

type Dispatcher = { dispatch: AnyFunction }
const SYMBOLS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const
const [LEGACY, MODERN] = SYMBOLS
/** What undici publishes of every request as it is dispatched, before there is a connection for it. */
const CHANNEL = 'undici:request:create'
const routers = new WeakSet<Dispatcher>()

/**
 * The dispatcher that `fetch`, `WebSocket` and `EventSource` use is global, so it becomes one that asks where it is.
 * It exists once one of them was touched, which is not worth 20 ms before somebody does: then, undici tells of its first
 * request.
 */
export function hookFetch(patches: Patches): void {
  if (!route()) {
    const { subscribe, unsubscribe } = builtin('diagnostics_channel')
    const first = () => {
      if (route(hereOrHome())) unsubscribe(CHANNEL, first)
    }
    subscribe(CHANNEL, first)
    patches.whenUndone(() => unsubscribe(CHANNEL, first))
  }
  // The program may have set another dispatcher meanwhile.
  patches.method(globalThis, 'fetch', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      if (hereOrHome() !== undefined) route()
      return original.apply(this, args)
    }
  })
}

/**
 * Puts a router before each global dispatcher that has none, as after a `setGlobalDispatcher`.
 *
 * @param user - whose connections the dispatcher has, if it is used for the first time; undefined for home
 * @returns whether there are any
 */
export function route(user?: Namespace): boolean {
  let routed = false
  for (const symbol of SYMBOLS) {
    const dispatcher = Reflect.get(globalThis, symbol) as Dispatcher | undefined
    if (dispatcher === undefined) continue
    routed = true
    if (!routers.has(dispatcher)) Reflect.set(globalThis, symbol, router(symbol, dispatcher, user))
  }
  return routed
}

function router(symbol: symbol, first: Dispatcher, user: Namespace | undefined): Dispatcher {
  const inside = new WeakMap<Namespace, Dispatcher>()
  let home: Dispatcher | undefined
  const choose = (): Dispatcher => {
    const place = hereOrHome()
    if (place === user) return first
    if (place === undefined) {
      home ??= again(symbol, first)
      return home
    }
    const known = inside.get(place) ?? again(symbol, first)
    inside.set(place, known)
    return known
  }
  if (user !== undefined) shareOut(first, choose)
  const proxy = new Proxy(first, {
    get(_target, property) {
      const chosen = choose()
      const value = Reflect.get(chosen, property, chosen)
      return typeof value === 'function' && property !== 'constructor' ? value.bind(chosen) : value
    }
  })
  routers.add(proxy)
  return proxy
}

/** Whoever took the dispatcher itself before there was a router has not used it yet, and may be elsewhere. */
function shareOut(first: Dispatcher, choose: () => Dispatcher): void {
  const { dispatch } = first
  first.dispatch = (...args: unknown[]) => {
    const chosen = choose()
    return chosen === first ? dispatch.apply(first, args) : chosen.dispatch(...args)
  }
}

/**
 * A dispatcher of the same class, without a copy of undici. An agent is given the options that it keeps; what else a
 * program may have set holds connections, or a proxy's address, in ways that only its maker knows.
 *
 * @throws `ERR_NETNS_DISPATCHER`
 */
function again(symbol: symbol, like: Dispatcher): Dispatcher {
  const modern = Reflect.get(globalThis, MODERN) as Dispatcher | undefined
  switch (like.constructor.name) {
    case 'Agent':
      return make(like, { ...kept(like, 'options'), factory: kept(like, 'factory') })
    case 'EnvHttpProxyAgent':
      // Node's own, whose options are the environment.
      if (process.env['NODE_USE_ENV_PROXY'] === '1' || process.execArgv.includes('--use-env-proxy')) return make(like)
      break
    case 'Dispatcher1Wrapper':
      // From Node 26 on, the first symbol has an adapter for older copies of undici around an agent of the second.
      if (symbol === LEGACY && modern !== undefined) return make(like, again(MODERN, modern))
      break
  }
  throw dispatcherRefused(like.constructor.name)
}

function make(like: Dispatcher, ...args: unknown[]): Dispatcher {
  return Reflect.construct(like.constructor, args) as Dispatcher
}

function kept(agent: Dispatcher, what: string): object | undefined {
  const symbol = Object.getOwnPropertySymbols(agent).find(({ description }) => description === what)
  return symbol && Reflect.get(agent, symbol)
}
