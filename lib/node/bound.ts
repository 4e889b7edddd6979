/** Functions, classes and whole modules of Node's, bound to one namespace for ever. */
import type { AnyFunction } from '../context/patches.ts'
import { BOUND, type Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { isRoot } from '../realm.ts'
import { isAsking, withAgent } from './default-agent.ts'
import { facadeOf } from './facade.ts'
import { isConnector, like, withLater } from './later.ts'

/** One namespace's bound things: each is made once, so that identity and `instanceof` hold. */
export class Binder {
  readonly #namespace: Namespace
  readonly #bound = new WeakMap<object, object>()

  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /** A module, whose functions run in the namespace and whose classes are bound subclasses. */
  module<M extends object>(module: M): M {
    return this.#once(module, () => facadeOf(module, (name) => this.#getter(module, name)))
  }

  /**
   * A function that runs in the namespace; so do its own functions, as `util.promisify.custom`.
   *
   * @param given - what becomes of its arguments
   */
  function<F extends AnyFunction>(fn: F, given = (args: unknown[]) => args): F {
    return this.#once(fn, () => {
      const enter = this.#enter
      const adopt = this.#adopt
      const bound = function (this: unknown, ...args: unknown[]) {
        return adopt(enter(() => Reflect.apply(fn, this, given(args))))
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
    return this.#once(base, () => this.#subclass(base as unknown as BaseClass)) as C
  }

  #subclass(base: BaseClass): object {
    const enter = this.#enter
    const adopt = this.#adopt
    const bound = function (this: unknown, ...args: unknown[]) {
      const target = new.target
      // A class of the style before ES6 calls the one that it inherits from, and some of Node's need no `new`.
      if (target === undefined) return adopt(enter(() => Reflect.apply(base, this, args)))
      return enter(() => Reflect.construct(base, args, target))
    }
    Object.setPrototypeOf(bound, base)
    like(bound, base)
    const isInherited = base[Symbol.hasInstance]
    // What Node makes by itself, such as what a server accepts, is of its own classes.
    const isInstance = function (this: unknown, value: unknown) {
      return this === bound ? value instanceof base : isInherited.call(this, value)
    }
    Object.defineProperty(bound, Symbol.hasInstance, { value: isInstance, configurable: true })
    const prototype = this.#extended(base.prototype)
    Object.defineProperty(bound, 'prototype', { value: prototype, writable: false })
    Object.defineProperty(prototype, 'constructor', { value: bound, configurable: true, writable: true })
    return bound
  }

  /** Of what is there at the time, as it may be replaced. */
  #getter(target: object, name: string | symbol): () => unknown {
    let last: unknown
    let bound: unknown
    return () => {
      const value = (target as Record<string | symbol, unknown>)[name]
      // Asked for at every `ns.spawn`, when it is known as a rule.
      if (value !== last || typeof value !== 'function') {
        bound = isAsking(value, name, target) ? this.#asking(value, target) : this.#member(value, name)
        last = value
      }
      return bound
    }
  }

  #member(value: unknown, name: string | symbol): unknown {
    if (name === 'promises') return this.module(value as object)
    if (typeof value === 'object' && value !== null) return this.#isToBind(value) ? this.#standIn(value) : value
    if (typeof value !== 'function') return value
    return isClass(value) ? this.class(value) : this.function(value as AnyFunction)
  }

  /** A function of a module that makes requests, which go by the global agent that the namespace's module has. */
  #asking(request: AnyFunction, module: { globalAgent?: object }): AnyFunction {
    return this.function(request, (args) => {
      const { globalAgent: shared } = module
      const { globalAgent: set } = this.module(module)
      return set === shared || set === this.#bound.get(shared as object) ? args : withAgent(args, set)
    })
  }

  #isToBind(object: object): boolean {
    return isConnector(object) && Reflect.get(object, BOUND) !== this.#namespace
  }

  /**
   * What all of Node shares, a global agent, with the later calls of this namespace: its connections are those of whoever
   * names no agent there.
   */
  #standIn(shared: object): object {
    return this.#once(shared, () => {
      const calls = this.#withLater(shared)
      const base = classOf(Object.getPrototypeOf(shared) as object)
      if (base !== undefined) Object.defineProperty(calls, 'constructor', { value: this.class(base) })
      return new Proxy(shared, {
        get: (_, name) => Reflect.get(Object.hasOwn(calls, name) ? calls : shared, name)
      })
    })
  }

  readonly #enter = (fn: () => unknown): unknown => parts.context.run(this.#namespace, fn, [])

  /** What a function returns gets the later calls of its class too: a server that is yet to listen. */
  readonly #adopt = (made: unknown): unknown => {
    if (typeof made !== 'object' || made === null) return made
    const prototype = Object.getPrototypeOf(made) as object | null
    if (prototype === null || others.has(prototype)) return made
    if (!isConnector(prototype)) {
      others.add(prototype)
      return made
    }
    if (!this.#bound.has(prototype) && Reflect.get(prototype, BOUND) === this.#namespace) return made
    const base = classOf(prototype)
    if (base !== undefined) this.class(base)
    return Object.setPrototypeOf(made, this.#extended(prototype))
  }

  #extended(prototype: object): object {
    return this.#once(prototype, () => this.#withLater(prototype))
  }

  #withLater(base: object): object {
    const namespace = this.#namespace
    const enter = (fn: () => unknown) => parts.context.runLater(namespace, fn)
    return withLater(base, enter, { [BOUND]: { value: namespace } })
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

type BaseClass = AnyFunction & { readonly prototype: object }

/** Prototypes of what has no later calls, such as children: looking for each name takes a while. */
const others = new WeakSet<object>()
const binders = new WeakMap<Namespace, Binder>()

/** The binder of a namespace's handle. */
export function binderOf(namespace: Namespace): Binder {
  let binder = binders.get(namespace)
  if (binder === undefined) {
    binder = new Binder(namespace)
    binders.set(namespace, binder)
  }
  return binder
}

/** A class has methods, or a name that says so; a plain function's prototype is empty, and an arrow's does not exist. */
function isClass(value: object): boolean {
  const prototype = Reflect.get(value, 'prototype') as object | undefined
  if (typeof prototype !== 'object' || prototype === null) return false
  if (Reflect.ownKeys(prototype).length > 1 || !isRoot(Object.getPrototypeOf(prototype))) return true
  return /^[A-Z]/.test(String(Reflect.get(value, 'name')))
}

/** The class whose prototype it is, if it says so. */
function classOf(prototype: object): object | undefined {
  if (!Object.hasOwn(prototype, 'constructor')) return undefined
  const base = Reflect.get(prototype, 'constructor') as object | undefined
  return typeof base === 'function' && Reflect.get(base, 'prototype') === prototype ? base : undefined
}
