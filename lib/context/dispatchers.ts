/** The dispatcher of `fetch`, `WebSocket` and `EventSource` holds connections, so it is one per namespace. */

import { dispatcherRefused } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome } from './place.ts'

type Dispatcher = object
const LEGACY = Symbol.for('undici.globalDispatcher.1')
const MODERN = Symbol.for('undici.globalDispatcher.2')
const globals = globalThis as { [LEGACY]?: Dispatcher; [MODERN]?: Dispatcher }
const routers = new WeakSet<Dispatcher>()

/**
 * The dispatcher that `fetch`, `WebSocket` and `EventSource` use is global, so it becomes one that asks where it is.
 * It exists once one of them was touched, which is not worth 15 ms before somebody does.
 */
export function hookFetch(patches: Patches): void {
  route()
  for (const name of [
    'fetch',
    'Request',
    'Response',
    'Headers',
    'FormData',
    'WebSocket',
    'EventSource',
    'MessageEvent',
    'CloseEvent'
  ]) {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name)
    if (descriptor === undefined) continue
    if (descriptor.get !== undefined) routeOnRead(patches, name, descriptor)
    else if (name === 'fetch') patches.method(globalThis, name, routeOnCall)
  }
}

function routeOnRead(patches: Patches, name: string, descriptor: PropertyDescriptor): void {
  const { get, configurable } = descriptor
  if (get === undefined || configurable !== true) return
  patches.define(globalThis, name, {
    ...descriptor,
    get() {
      const value = get.call(globalThis)
      route()
      return value
    }
  })
}

function routeOnCall(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    if (hereOrHome() !== undefined && !route()) {
      // Any of its classes loads the built-in undici, and with it the dispatcher.
      void globalThis.Headers
      route()
    }
    return original.apply(this, args)
  }
}

/** Puts a router before each global dispatcher that has none, as after a `setGlobalDispatcher`. */
export function route(): boolean {
  // One by one and by constant names, as a loop over the two takes half a microsecond on every way in.
  const legacy = globals[LEGACY]
  const modern = globals[MODERN]
  if (legacy !== undefined && !routers.has(legacy)) globals[LEGACY] = router(LEGACY, legacy)
  if (modern !== undefined && !routers.has(modern)) globals[MODERN] = router(MODERN, modern)
  return legacy !== undefined || modern !== undefined
}

function router(symbol: symbol, outside: Dispatcher): Dispatcher {
  const inside = new WeakMap<Namespace, Dispatcher>()
  const proxy = new Proxy(outside, {
    get(target, property) {
      const place = hereOrHome()
      let chosen = target
      if (place !== undefined) {
        chosen = inside.get(place) ?? again(symbol, target)
        inside.set(place, chosen)
      }
      const value = Reflect.get(chosen, property, chosen)
      return typeof value === 'function' && property !== 'constructor' ? value.bind(chosen) : value
    }
  })
  routers.add(proxy)
  return proxy
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
