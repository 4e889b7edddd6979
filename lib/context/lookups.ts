/** Names are resolved by us, on sockets of the context: libuv's pool and c-ares have sockets of their own. */

import { builtin } from '../builtin.ts'
import { createDns } from '../dns/dns.ts'
import { node } from '../dns/node.ts'
import { etcSource } from '../dns/source.ts'
import { capturedReference } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { elsewhere, here } from './place.ts'
import type { Prototypes } from './prototypes.ts'

const modules = new WeakMap<Namespace, typeof import('node:dns')>()

/** The `node:dns` of a namespace. Its functions are to be called in a context of it. */
export function dnsOf(namespace: Namespace): typeof import('node:dns') {
  let dns = modules.get(namespace)
  if (dns === undefined) {
    dns = createDns(etcSource(namespace.name, here))
    modules.set(namespace, dns)
  }
  return dns
}

/** Puts the hooks on. */
export function hookLookups(patches: Patches, { resolver }: Prototypes): void {
  const dns = builtin('dns')
  // Taken first: our resolver leaves to it what needs no network.
  node()
  redirectAll(patches, dns, (namespace) => dnsOf(namespace))
  redirectAll(patches, dns.promises, (namespace) => dnsOf(namespace).promises)
  for (const name of Object.getOwnPropertyNames(resolver)) {
    if (name.startsWith('query') || name === 'getHostByAddr') patches.method(resolver, name, refusing)
  }
}

function redirectAll(patches: Patches, module: object, of: (namespace: Namespace) => object): void {
  for (const [name, value] of Object.entries(module)) {
    if (typeof value !== 'function') continue
    if (name === 'Resolver')
      patches.value(
        module,
        name,
        redirectClass(value, (namespace) => Reflect.get(of(namespace), name))
      )
    else patches.method(module, name, (original) => redirect(original, name, of))
  }
}

function redirect(original: AnyFunction, name: string, of: (namespace: Namespace) => object): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = elsewhere()
    if (place === undefined) return original.apply(this, args)
    const module = of(place)
    return (Reflect.get(module, name) as AnyFunction).apply(module, args)
  }
}

function redirectClass(original: object, of: (namespace: Namespace) => object): object {
  return new Proxy(original, {
    construct(target, args, newTarget) {
      const place = elsewhere()
      if (place === undefined) return Reflect.construct(target as never, args, newTarget)
      // `class Mine extends dns.Resolver` keeps its own prototype only where it was extended at home.
      return Reflect.construct(of(place) as never, args)
    }
  })
}

/** A reference to c-ares from before the hooks were on would ask from home. */
function refusing(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    if (elsewhere() !== undefined) throw capturedReference('dns', 'the query')
    return original.apply(this, args)
  }
}
