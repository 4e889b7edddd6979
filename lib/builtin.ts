/**
 * Node's own modules, loaded when first needed: importing this library must not load them all. Nor may it import one, as
 * Node then makes a module of all the exports first, which for some takes as long as to load the library. And what Node
 * and its undici keep in their objects, which are for themselves; and what Node is given in the place of a program's.
 */
import { runtimeTooOld } from './errors.ts'

type Builtins = {
  _http_agent: { Agent: typeof import('node:http').Agent }
  async_hooks: typeof import('node:async_hooks')
  child_process: typeof import('node:child_process')
  cluster: typeof import('node:cluster').default
  diagnostics_channel: typeof import('node:diagnostics_channel')
  dgram: typeof import('node:dgram')
  dns: typeof import('node:dns')
  events: typeof import('node:events')
  fs: typeof import('node:fs')
  http: typeof import('node:http')
  http2: typeof import('node:http2')
  https: typeof import('node:https')
  inspector: typeof import('node:inspector') | undefined
  module: typeof import('node:module')
  net: typeof import('node:net')
  os: typeof import('node:os')
  tls: typeof import('node:tls')
  url: typeof import('node:url')
  util: typeof import('node:util')
  vm: typeof import('node:vm')
  worker_threads: typeof import('node:worker_threads')
}

const loaded: Partial<Builtins> = {}
let ownRequire: NodeJS.Require | undefined

/**
 * A module of Node's, as `require` gives it: the object that replacements are made on.
 *
 * @throws `ERR_NETNS_RUNTIME` where there is no way to get it
 */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  const known = loaded[name] as Builtins[Name] | undefined
  return known ?? load(name)
}

/** The name of a module of Node's that is used here. */
export function nameOfBuiltin(module: object): string | undefined {
  return Object.entries(loaded).find(([, found]) => found === module)?.[0]
}

/**
 * Loads what belongs to this package: one `require` for all, as Node takes as long to make one as to load a short file by
 * it.
 *
 * @param isWhole - whether what a file exports is all of it
 * @throws where this file is not known to be anywhere
 */
export function requireOwn<Exports>(name: string, isWhole: (found: Exports) => boolean): Exports {
  ownRequire ??= builtin('module').createRequire(import.meta.url)
  const found = ownRequire(name)
  return isWhole(found) ? found : requireAgain(ownRequire, name)
}

/** For a file that a timeout of vm's interrupted as it was loaded, and so what it loads: Node keeps both as they are. */
function requireAgain<Exports>(require: NodeJS.Require, name: string): Exports {
  const path = require.resolve(name)
  for (const { id } of require.cache[path]?.children ?? []) delete require.cache[id]
  delete require.cache[path]
  return require(name)
}

function load<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  if (typeof process.getBuiltinModule !== 'function') throw runtimeTooOld('process.getBuiltinModule')
  const module = process.getBuiltinModule(`node:${name}`) as unknown as Builtins[Name]
  Object.assign(loaded, { [name]: module })
  return module
}

/** What an object of Node's has under a symbol of that description, which nobody else has, if it has one. */
export function hidden<Value>(object: object, description: string): Value | undefined {
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    if (symbol.description === description) return Reflect.get(object, symbol)
  }
  return undefined
}

/**
 * What Node is given in the place of a program's `object`: some properties have other values. All else is asked of the
 * object itself, be it inherited, a getter, or by way of a private field; and errors show it as it is.
 */
export function overlaid<T extends object>(object: T, values: Record<string, unknown>): T {
  const shown: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(object)
  // As they are, what is frozen could not be replaced.
  for (const key of Reflect.ownKeys(shown)) Object.assign(Reflect.get(shown, key), { configurable: true })
  return new Proxy(Object.create(Object.getPrototypeOf(object), shown) as T, {
    get: (_shown, key) => (isIn(values, key) ? values[key] : Reflect.get(object, key)),
    set: (_shown, key, value) => Reflect.set(object, key, value),
    has: (_shown, key) => isIn(values, key) || Reflect.has(object, key),
    ownKeys: () => [...new Set([...Reflect.ownKeys(object), ...Object.keys(values)])],
    getOwnPropertyDescriptor(target, key) {
      if (!isIn(values, key)) return Reflect.getOwnPropertyDescriptor(target, key)
      return { value: values[key], configurable: true, enumerable: true, writable: true }
    }
  })
}

function isIn(values: Record<string, unknown>, key: string | symbol): key is string {
  return Object.hasOwn(values, key)
}
