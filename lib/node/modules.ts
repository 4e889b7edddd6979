/** Node's modules bound to a namespace, as `ns.net`, `ns.http`, …: made when first asked for. */
import { builtin } from '../builtin.ts'
import type { AnyFunction } from '../context/patches.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { type Binder, binderOf } from './bound.ts'

type ModuleName = 'net' | 'tls' | 'http' | 'https' | 'http2' | 'dgram' | 'child_process'

/** What is taken from a module must be hooked already, as it is kept. */
function binder(namespace: Namespace): Binder {
  parts.context.prepareEarly(namespace)
  return binderOf(namespace)
}

/** Modules that were asked for when all was hooked: `ns.spawn` asks each time. */
const known = new WeakMap<Namespace, Map<ModuleName, object>>()

/** One of Node's modules. */
export function boundModule<Name extends ModuleName>(
  namespace: Namespace,
  name: Name
): ReturnType<typeof builtin<Name>> {
  let bound = known.get(namespace)?.get(name)
  if (bound === undefined) {
    const hooked = parts.context.prepareEarly(namespace)
    bound = binderOf(namespace).module(builtin(name) as object)
    if (hooked) {
      const modules = known.get(namespace) ?? new Map<ModuleName, object>()
      known.set(namespace, modules.set(name, bound))
    }
  }
  return bound as ReturnType<typeof builtin<Name>>
}

/** `node:dns`, answered by our resolver. */
export function boundDns(namespace: Namespace): typeof import('node:dns') {
  return binder(namespace).module(parts.names.dnsOf(namespace))
}

/** `Worker` of `node:worker_threads`. */
export function boundWorker(namespace: Namespace): typeof import('node:worker_threads').Worker {
  // The binder comes first, as the class is another one afterwards.
  const bound = binder(namespace)
  return bound.class(builtin('worker_threads').Worker)
}

/** A function or class of the global object, as it is now; `undefined` where this Node has none. */
export function boundGlobal<Name extends 'fetch' | 'WebSocket'>(
  namespace: Namespace,
  name: Name
): (typeof globalThis)[Name] {
  const own = binder(namespace)
  const value = globalThis[name] as unknown
  if (value === undefined) return value as never
  return (
    name === 'fetch' ? own.function(value as AnyFunction) : own.class(value as object)
  ) as (typeof globalThis)[Name]
}

/** The list of the namespace's interfaces. */
export function boundNetworkInterfaces(namespace: Namespace): ReturnType<typeof import('node:os').networkInterfaces> {
  return parts.context.run(namespace, parts.context.interfacesOf, [namespace])
}
