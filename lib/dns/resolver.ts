/** `Resolver`, with callbacks and with promises: Node's own, above a handle of ours. */
import type dns from 'node:dns'
import { isRoot } from '../realm.ts'
import { Channel, type ChannelOptions, type NativeChannel } from './channel.ts'
import { node, proveRuntime } from './node.ts'
import type { Settings } from './settings.ts'

interface Base {
  _handle: unknown
}

/** The classes of a source. They check arguments, shape errors and time themselves as Node's do, for Node's they are. */
export function resolverClasses(settings: Settings): {
  Resolver: typeof dns.Resolver
  PromisesResolver: typeof dns.promises.Resolver
} {
  return { Resolver: above(node().Resolver, settings), PromisesResolver: above(node().PromisesResolver, settings) }
}

function above<C extends typeof dns.Resolver | typeof dns.promises.Resolver>(Parent: C, settings: Settings): C {
  const Extended = Parent as unknown as new (options?: ChannelOptions) => Base
  class Resolver extends Extended {
    constructor(options: ChannelOptions | undefined = undefined) {
      proveRuntime()
      super(options)
      this._handle = new Channel(settings, this._handle as NativeChannel, { ...options })
    }
  }
  return Resolver as unknown as C
}

/** The functions of the module that are methods of its default resolver. */
export function defaultMethods(prototype: object, resolver: object): Record<string, unknown> {
  const methods: Record<string, unknown> = {}
  for (let from = prototype; !isRoot(from); from = Object.getPrototypeOf(from)) {
    for (const name of Object.getOwnPropertyNames(from)) {
      const method: unknown = Reflect.get(from, name)
      if (!/^(?:resolve|reverse$|getServers$)/.test(name) || typeof method !== 'function') continue
      methods[name] ??= method.bind(resolver)
    }
  }
  return methods
}
