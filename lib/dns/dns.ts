/** A complete stand-in for `node:dns`. */

import type nodeDns from 'node:dns'
import { builtin } from '../builtin.ts'
import { lookups, type ResultOrder } from './lookup.ts'
import { node } from './node.ts'
import { defaultMethods, resolverClasses } from './resolver.ts'
import { Settings } from './settings.ts'
import type { DnsSource } from './source.ts'

/**
 * Makes a `node:dns` that resolves by what `source` says, with sockets of `node:dgram` and `node:net` that are made in
 * the async context of whoever asks: never by getaddrinfo or c-ares, which keep threads and sockets of their own.
 *
 * Functions, classes, constants and errors are those of the running Node. Call it before anything of `node:dns` is
 * replaced.
 *
 * @param onDefault - told of each resolver whose methods become the functions of the module
 * @throws NetnsError `ERR_NETNS_RUNTIME`, with the first `Resolver`, where Node's cannot be given other sockets.
 *
 * @example
 * ```ts
 * const dns = createDns(etcSource('red'))
 * await dns.promises.lookup('db.internal')
 * ```
 */
export function createDns(
  source: DnsSource | Settings,
  onDefault: (resolver: nodeDns.Resolver) => void = () => {}
): typeof nodeDns {
  const settings = source instanceof Settings ? source : new Settings(source)
  const classes = resolverClasses(settings)
  let ownOrder: ResultOrder | undefined
  const order = (): ResultOrder => ownOrder ?? (node().getDefaultResultOrder() as ResultOrder)
  const { promises: promisedLookups, ...calledLookups } = lookups(settings, order)

  const orders = {
    getDefaultResultOrder: order,
    setDefaultResultOrder: (value: ResultOrder) => {
      checkOrder(value)
      ownOrder = value
    }
  }
  const promises: object = {
    ...constants(builtin('dns').promises),
    ...promisedLookups,
    ...orders,
    Resolver: classes.PromisesResolver,
    setServers
  }
  const dns: object = {
    ...constants(builtin('dns')),
    ...calledLookups,
    ...orders,
    Resolver: classes.Resolver,
    setServers,
    promises
  }
  bindAll(new classes.Resolver())
  return dns as typeof nodeDns

  function setServers(servers: readonly string[]): void {
    const resolver = new classes.Resolver()
    resolver.setServers(servers)
    bindAll(resolver)
  }

  /** The methods of the default resolver are the functions of both modules. */
  function bindAll(resolver: nodeDns.Resolver): void {
    onDefault(resolver)
    Object.assign(dns, defaultMethods(classes.Resolver.prototype, resolver))
    Object.assign(promises, defaultMethods(classes.PromisesResolver.prototype, resolver))
  }
}

/** Flags and error codes. */
function constants(module: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(module).filter(([, value]) => /^(?:string|number)$/.test(typeof value)))
}

/** Node checks the order of results itself; its own stays as it is. */
function checkOrder(value: unknown): void {
  const before = node().getDefaultResultOrder()
  try {
    node().setDefaultResultOrder(value as ResultOrder)
  } finally {
    node().setDefaultResultOrder(before as ResultOrder)
  }
}
