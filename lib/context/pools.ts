/** Connection pools never cross: names of `http.Agent` and dispatchers of `fetch` are one per namespace. */

import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome, runIn } from './place.ts'

/** Puts the hooks on. */
export function hookPools(patches: Patches): void {
  hookAgents(patches)
  hookFetch(patches)
}

function hookAgents(patches: Patches): void {
  // The agent of https asks this one for the first part of its names.
  const agent = builtin('http').Agent.prototype as unknown as Record<string, AnyFunction>
  const places = new WeakMap<object, Namespace | undefined>()
  patches.method(agent, 'getName', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const place = hereOrHome()
      const name = original.apply(this, args)
      return place === undefined ? name : `${name}:${place.id}`
    }
  })
  patches.method(agent, 'addRequest', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      places.set(args[0] as object, hereOrHome())
      return original.apply(this, args)
    }
  })
  // A queued request may get its socket when one of another name closes, in that one's context.
  patches.method(agent, 'createSocket', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const place = places.get(args[0] as object)
      return place === undefined ? original.apply(this, args) : runIn(place, () => original.apply(this, args))
    }
  })
}

type Dispatcher = object
const SYMBOLS = [Symbol.for('undici.globalDispatcher.1'), Symbol.for('undici.globalDispatcher.2')] as const
const [LEGACY, MODERN] = SYMBOLS
const routers = new WeakSet<Dispatcher>()

/**
 * The dispatcher that `fetch`, `WebSocket` and `EventSource` use is global, so it becomes one that asks where it is.
 * It exists once one of them was touched, which is not worth 15 ms before somebody does.
 */
function hookFetch(patches: Patches): void {
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
  let routed = false
  for (const symbol of SYMBOLS) {
    const dispatcher = Reflect.get(globalThis, symbol) as Dispatcher | undefined
    if (dispatcher === undefined) continue
    routed = true
    if (!routers.has(dispatcher)) Reflect.set(globalThis, symbol, router(symbol, dispatcher))
  }
  return routed
}

function router(symbol: symbol, outside: Dispatcher): Dispatcher {
  const inside = new WeakMap<Namespace, Dispatcher>()
  const proxy = new Proxy(outside, {
    get(target, property) {
      const place = hereOrHome()
      let chosen = target
      if (place !== undefined) {
        chosen = inside.get(place) ?? fresh(symbol, target)
        inside.set(place, chosen)
      }
      const value = Reflect.get(chosen, property, chosen)
      return typeof value === 'function' && property !== 'constructor' ? value.bind(chosen) : value
    }
  })
  routers.add(proxy)
  return proxy
}

/** The built-in undici's own agent: of its class, without a copy of undici. */
function fresh(symbol: symbol, like: Dispatcher): Dispatcher {
  const make = (dispatcher: Dispatcher, ...args: unknown[]) =>
    Reflect.construct(dispatcher.constructor, args) as Dispatcher
  const modern = Reflect.get(globalThis, MODERN) as Dispatcher | undefined
  // From Node 26 on, the first symbol has an adapter for older copies of undici around an agent of the second.
  if (symbol === LEGACY && modern !== undefined && like.constructor.name === 'Dispatcher1Wrapper') {
    return make(like, make(modern))
  }
  return make(like)
}
