/** Node's modules bound to a namespace, as `ns.net`, `ns.http`, …: made when first asked for. */
import { builtin } from '../builtin.ts'
import { run } from '../context/context.ts'
import { dnsOf } from '../context/lookups.ts'
import type { AnyFunction } from '../context/patches.ts'
import type { Namespace } from '../namespace.ts'
import { type Binder, binderOf } from './bound.ts'

type ModuleName = 'net' | 'tls' | 'http' | 'https' | 'http2' | 'dgram' | 'child_process'

function binder(namespace: Namespace): Binder {
  return binderOf(namespace, (fn) => run(namespace, fn, []))
}

/** One of Node's modules. */
export function boundModule<Name extends ModuleName>(
  namespace: Namespace,
  name: Name
): ReturnType<typeof builtin<Name>> {
  return binder(namespace).module(builtin(name) as object) as ReturnType<typeof builtin<Name>>
}

/** `node:dns`, answered by our resolver. */
export function boundDns(namespace: Namespace): typeof import('node:dns') {
  return binder(namespace).module(dnsOf(namespace))
}

/** `Worker` of `node:worker_threads`. */
export function boundWorker(namespace: Namespace): typeof import('node:worker_threads').Worker {
  return binder(namespace).class(builtin('worker_threads').Worker)
}

/** A function or class of the global object, as it is now; `undefined` where this Node has none. */
export function boundGlobal<Name extends 'fetch' | 'WebSocket'>(
  namespace: Namespace,
  name: Name
): (typeof globalThis)[Name] {
  const value = globalThis[name] as unknown
  if (value === undefined) return value as never
  const bound =
    name === 'fetch' ? binder(namespace).function(value as AnyFunction) : binder(namespace).class(value as object)
  return bound as (typeof globalThis)[Name]
}

/** The list of the namespace's interfaces. */
export function boundNetworkInterfaces(namespace: Namespace): ReturnType<typeof import('node:os').networkInterfaces> {
  return run(namespace, () => builtin('os').networkInterfaces(), [])
}
