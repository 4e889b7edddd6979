/** Functions, classes and whole modules of Node's, bound to one namespace for ever. */
import type { AnyFunction } from '../context/patches.ts'
import type { Namespace } from '../namespace.ts'
import { isRoot } from '../realm.ts'

/** Runs a function in a context of the namespace. */
export type Enter = (fn: () => unknown) => unknown

/** Later calls on an object that open a socket or start something, wherever they are made from. */
const LATER = [
  'connect',
  'listen',
  'bind',
  'send',
  'addMembership',
  'addSourceSpecificMembership',
  'addRequest',
  'createConnection',
  'createSocket'
]

/** One namespace's bound things: each is made once, so that identity and `instanceof` hold. */
export class Binder {
  readonly #enter: Enter
  readonly #bound = new WeakMap<object, object>()

  constructor(enter: Enter) {
    this.#enter = enter
  }

  /** A module, whose functions run in the namespace and whose classes are bound subclasses. */
  module<M extends object>(module: M): M {
    return this.#once(module, () => {
      const bound = {}
      for (const name of Reflect.ownKeys(module)) {
        const enumerable = Object.prototype.propertyIsEnumerable.call(module, name)
        Object.defineProperty(bound, name, { enumerable, get: this.#getter(module, name) })
      }
      return bound
    })
  }

  /** A function that runs in the namespace; so do its own functions, as `util.promisify.custom`. */
  function<F extends AnyFunction>(fn: F): F {
    return this.#once(fn, () => {
      const enter = this.#enter
      const adopt = (made: unknown) => this.#adopt(made)
      const bound = function (this: unknown, ...args: unknown[]) {
        return adopt(enter(() => Reflect.apply(fn, this, args)))
      }
      for (const name of Reflect.ownKeys(fn)) {
        const { value, enumerable = false } = Object.getOwnPropertyDescriptor(fn, name) as PropertyDescriptor
        if (name === 'prototype' || name === 'arguments' || name === 'caller') continue
        const own = typeof value === 'function' ? this.function(value) : value
        Object.defineProperty(bound, name, { value: own, enumerable, configurable: true, writable: true })
      }
      return bound
    }) as F
  }

  /** A subclass that is made in the namespace and whose later calls are made there. */
  class<C extends object>(base: C): C {
    return this.#once(base, () => {
      const enter = this.#enter
      const bound = function (this: unknown, ...args: unknown[]) {
        return enter(() => Reflect.construct(base as never, args, new.target ?? bound))
      }
      Object.setPrototypeOf(bound, base)
      Object.defineProperty(bound, 'name', { value: Reflect.get(base, 'name') })
      const prototype = this.#prototype(Reflect.get(base, 'prototype') as object)
      Object.defineProperty(bound, 'prototype', { value: prototype, writable: false })
      Object.defineProperty(prototype, 'constructor', { value: bound, configurable: true, writable: true })
      return bound
    }) as C
  }

  /** Of what is there at the time, as it may be replaced. */
  #getter(target: object, name: string | symbol): () => unknown {
    let last: unknown
    let bound: unknown
    return () => {
      const value = (target as Record<string | symbol, unknown>)[name]
      // Asked for at every `ns.spawn`, when it is known as a rule.
      if (value !== last || typeof value !== 'function') {
        bound = this.#member(value, name)
        last = value
      }
      return bound
    }
  }

  #member(value: unknown, name: string | symbol): unknown {
    if (name === 'promises') return this.module(value as object)
    if (typeof value !== 'function') return value
    return isClass(value) ? this.class(value) : this.function(value as AnyFunction)
  }

  /** What a function returns gets the later calls of its class too: a server that is yet to listen. */
  #adopt(made: unknown): unknown {
    if (typeof made !== 'object' || made === null) return made
    const prototype = Object.getPrototypeOf(made) as object | null
    if (prototype === null || others.has(prototype)) return made
    if (!isConnector(made)) {
      others.add(prototype)
      return made
    }
    if (this.#bound.get(prototype) === undefined && Reflect.get(prototype, BOUND) === this) return made
    return Object.setPrototypeOf(made, this.#prototype(prototype))
  }

  #prototype(base: object): object {
    return this.#once(base, () => {
      const enter = this.#enter
      const prototype = Object.create(base, { [BOUND]: { value: this } })
      for (const name of later(base)) {
        const original = Reflect.get(base, name) as AnyFunction
        const value = function (this: unknown, ...args: unknown[]) {
          return enter(() => original.apply(this, args))
        }
        Object.defineProperty(prototype, name, { value, configurable: true, writable: true })
      }
      return prototype
    })
  }

  #once<T extends object>(original: T, make: () => object): T {
    let bound = this.#bound.get(original)
    if (bound === undefined) {
      bound = make()
      this.#bound.set(original, bound)
    }
    return bound as T
  }
}

const BOUND = Symbol('node-netns.bound')
/** Prototypes of what has no later calls, such as children: looking for each name takes a while. */
const others = new WeakSet<object>()
const binders = new WeakMap<Namespace, Binder>()

/** The binder of a namespace's handle. */
export function binderOf(namespace: Namespace, enter: Enter): Binder {
  let binder = binders.get(namespace)
  if (binder === undefined) {
    binder = new Binder(enter)
    binders.set(namespace, binder)
  }
  return binder
}

/** A class has methods; a plain function's prototype is empty, and an arrow's does not exist. */
function isClass(value: object): boolean {
  const prototype = Reflect.get(value, 'prototype') as object | undefined
  if (typeof prototype !== 'object' || prototype === null) return false
  return Reflect.ownKeys(prototype).length > 1 || !isRoot(Object.getPrototypeOf(prototype))
}

/** Whether an object has later calls at all: a socket, a server, an agent; not a buffer or a promise. */
function isConnector(made: object): boolean {
  return (
    typeof Reflect.get(made, 'then') !== 'function' &&
    LATER.some((name) => typeof Reflect.get(made, name) === 'function')
  )
}

function later(prototype: object): string[] {
  if (typeof Reflect.get(prototype, 'resolve4') === 'function') return methodsOf(prototype)
  return LATER.filter((name) => typeof Reflect.get(prototype, name) === 'function')
}

/** Every method of a resolver asks the network. */
function methodsOf(prototype: object): string[] {
  const names = new Set<string>()
  for (let at: object | null = prototype; at !== null && !isRoot(at); at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor' && typeof Reflect.get(prototype, name) === 'function') names.add(name)
    }
  }
  return [...names]
}
