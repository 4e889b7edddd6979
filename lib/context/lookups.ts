/** Names are resolved by us, on sockets of the context: libuv's pool and c-ares have sockets of their own. */

import type builtinDns from 'node:dns'
import { builtin } from '../builtin.ts'
import { node } from '../dns/node.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { hookBinding } from './names-binding.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { elsewhere } from './place.ts'
import { findPrototype } from './prototypes.ts'
import { hookQueries, noteDefault, rememberResolver } from './queries.ts'

const LOOKUPS = ['lookup', 'lookupService'] as const

/** What makes the module of a namespace. */
type ModuleOf = (namespace: Namespace) => object

const dnsOf: ModuleOf = (namespace) => parts.names.dnsOf(namespace)
const promisesOf: ModuleOf = (namespace) => parts.names.dnsOf(namespace).promises

/** Puts the hooks on. What the module's other functions ask is hooked beneath them. */
export function hookLookups(patches: Patches): void {
  // Taken first: our resolver leaves to it what needs no network.
  node()
  const dns = builtin('dns')
  const isHooked = hookBinding(patches)
  hookQueries(patches, findPrototype('resolver'), {
    of: (...asker) => parts.names.channelOf(...asker),
    default: (place) => parts.names.defaultChannelOf(place)
  })
  hookModule(patches, dns, dnsOf)
  hookModule(patches, dns.promises, promisesOf)
  for (const name of LOOKUPS) {
    const original = dns[name] as AnyFunction
    const hooked = name === 'lookup' ? answeringAddresses(original) : original
    patches.replace(dns, name, either(isHooked, hooked, name, dnsOf))
    const promising = promised(dns.promises[name] as AnyFunction, name)
    patches.replace(dns.promises, name, either(isHooked, promising, name, promisesOf))
  }
}

/** The two that make resolvers. */
function hookModule(patches: Patches, module: typeof builtinDns | typeof builtinDns.promises, of: ModuleOf): void {
  patches.replace(module, 'setServers', settingDefault(module.setServers as AnyFunction, of))
  const redirected = redirectedClass(module.Resolver, of)
  patches.value(module.Resolver.prototype, 'constructor', redirected)
  patches.value(module, 'Resolver', redirected)
}

/** The servers of one network are no other's. */
function settingDefault(original: AnyFunction, of: ModuleOf): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = elsewhere()
    if (place !== undefined) return callOf(of(place), 'setServers', args)
    original.apply(this, args)
    noteDefault()
  }
}

function callOf(module: object, name: string, args: unknown[]): unknown {
  return Reflect.apply(Reflect.get(module, name) as AnyFunction, module, args)
}

function promised(original: AnyFunction, name: (typeof LOOKUPS)[number]): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    return elsewhere() === undefined ? original.apply(this, args) : parts.names[name](original, this, args)
  }
}

/** A look-up that finds names by the hooks beneath it, or is ours as a whole. */
function either(isHooked: () => boolean, hooked: AnyFunction, name: string, of: ModuleOf): AnyFunction {
  // Datagrams come by here, one by one: once it is known that all goes by the hooks, nothing is looked at.
  let always = false
  return function (this: unknown, ...args: unknown[]) {
    if (!always) {
      const place = elsewhere()
      if (place !== undefined) {
        always = isHooked()
        if (!always) return callOf(of(place), name, args)
      }
    }
    // The number of arguments has a meaning, and to spread these three takes longer than all else here.
    return args.length === 3 ? hooked.call(this, args[0], args[1], args[2]) : hooked.apply(this, args)
  }
}

/**
 * Answers for addresses, as Node does. Until Node 24 every datagram asks for one, mostly the one before, and Node looks at
 * all of it anew.
 */
function answeringAddresses(original: AnyFunction): AnyFunction {
  let known = '0.0.0.0'
  let knownFamily = 4
  return function (this: unknown, ...args: unknown[]) {
    const [name, family, callback] = args
    if (args.length !== 3 || typeof callback !== 'function') return original.apply(this, args)
    if (name !== known || family !== knownFamily) {
      if (typeof name !== 'string' || !isFamily(family) || builtin('net').isIP(name) !== family)
        return original.apply(this, args)
      known = name
      knownFamily = family
    }
    process.nextTick(callback, null, name, family)
    return {}
  }
}

function isFamily(value: unknown): value is 4 | 6 {
  return value === 4 || value === 6
}

/** A proxy, as all else about the class is the original's. */
function redirectedClass(original: object, of: ModuleOf): object {
  const redirected: object = new Proxy(original, {
    construct(target, args, newTarget) {
      const place = elsewhere()
      if (place === undefined) {
        const made = Reflect.construct(target as never, args, newTarget)
        rememberResolver(made, args[0])
        return made
      }
      const ours = Reflect.get(of(place), 'Resolver') as AnyFunction
      // What extends it has a prototype of its own.
      return Reflect.construct(ours, args, newTarget === redirected ? ours : newTarget)
    }
  })
  return redirected
}
