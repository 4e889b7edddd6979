/**
 * What Node's resolvers ask c-ares. One that was made outside of contexts asks in them through channels of ours, as the
 * one does that the functions of `node:dns` ask; by a reference to their class from before the hooks were on it cannot, as
 * nobody knows its options, and is refused.
 */
import { builtin } from '../builtin.ts'
import type { Channel, ChannelOptions, NativeChannel } from '../dns/channel.ts'
import { capturedReference } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { elsewhere } from './place.ts'
import type { HandlePrototype } from './prototypes.ts'
import { disown } from './storage.ts'

/** By its name, each method as it is with its hook on. */
const hooked = new Map<string, AnyFunction>()
/** By its name, what each method is of a resolver of ours. */
const ours = new Map<string, AnyFunction>()
let native: HandlePrototype | undefined
let OurChannel: typeof Channel | undefined

/** A resolver that was made outside of contexts. */
interface Outsider {
  options: ChannelOptions
  /** What was set on it, by what did so. */
  settings: Map<'setServers' | 'setLocalAddress', unknown[]>
  /** Those that ask for it in contexts, as it is set now. */
  channels: WeakMap<Namespace, Channel>
  /** Those that ever did. */
  all: Set<WeakRef<Channel>>
}

/** The handles of those that functions of `node:dns` ask: Node makes another whenever their servers are set. */
const defaults = new WeakSet<object>()
let noting = false
/** Whose servers were asked for while {@link noting}. */
let asked: object | undefined

/** By their handles. */
const outsiders = new WeakMap<object, Outsider>()

/** Remembers a resolver that was made outside of contexts. */
export function rememberResolver({ _handle }: { _handle: object }, options: ChannelOptions | undefined): void {
  outsiders.set(_handle, { options: { ...options }, settings: new Map(), channels: new WeakMap(), all: new Set() })
}

/**
 * Notes which resolver the functions of `node:dns` ask now: that whose servers they tell. It is everybody's, so it does not
 * keep the context that it was made in.
 */
export function noteDefault(): void {
  noting = true
  try {
    builtin('dns').getServers()
  } finally {
    noting = false
  }
  if (asked === undefined) return
  defaults.add(asked)
  disown(asked)
  asked = undefined
}

/** What asks in a namespace. */
export interface Channels {
  /** One of its own, for a resolver with these options. */
  of(namespace: Namespace, options: ChannelOptions): Channel
  /** That which the functions of `node:dns` ask. */
  default(namespace: Namespace): Channel
}

/** Puts the hooks on. */
export function hookQueries(patches: Patches, resolver: HandlePrototype, channels: Channels): void {
  native = resolver
  hookSettings(patches, resolver)
  patches.value(resolver, 'getServers', listing(resolver['getServers'] as AnyFunction, channels))
  noteDefault()
  for (const name of Object.getOwnPropertyNames(resolver)) {
    if (!name.startsWith('query') && name !== 'getHostByAddr') continue
    const method = asking(name, resolver[name] as AnyFunction, channels)
    patches.value(resolver, name, method)
    hooked.set(name, method)
  }
}

function asking(name: string, original: AnyFunction, channels: Channels): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const own = OurChannel !== undefined && this instanceof OurChannel ? ours.get(name) : undefined
    if (own !== undefined) return own.apply(this, args)
    const place = elsewhere()
    if (place === undefined) return original.apply(this, args)
    const channel = channelFor(this as object, place, channels)
    return ours.get(name)?.apply(channel, args)
  }
}

function listing(original: AnyFunction, channels: Channels): AnyFunction {
  return function (this: object, ...args: unknown[]) {
    if (noting) {
      asked = this
      return original.apply(this, args)
    }
    const place = elsewhere()
    return place !== undefined && isDefault(this) ? channels.default(place).getServers() : original.apply(this, args)
  }
}

/**
 * Tells of the class of our resolvers' channels, once it is loaded. Whoever replaces a method of c-ares's later, to measure
 * it or for a test, means what is asked inside too.
 */
export function standIn(ChannelClass: typeof Channel): void {
  OurChannel = ChannelClass
  for (const [name, method] of hooked) {
    const own = Reflect.get(ChannelClass.prototype, name) as AnyFunction | undefined
    if (own === undefined) continue
    ours.set(name, own)
    Object.defineProperty(ChannelClass.prototype, name, {
      configurable: true,
      get() {
        const current = native?.[name]
        return current === method ? own : current
      }
    })
  }
}

function isDefault(handle: object): boolean {
  // One whose servers were set before this could be noted.
  if (!defaults.has(handle) && !outsiders.has(handle)) noteDefault()
  return defaults.has(handle)
}

/** What asks in a namespace for a resolver that was made outside. */
function channelFor(handle: object, place: Namespace, channels: Channels): Channel {
  const outsider = outsiders.get(handle)
  if (outsider !== undefined) {
    return outsider.channels.get(place) ?? joined(outsider, place, channels.of(place, outsider.options))
  }
  if (!isDefault(handle)) throw capturedReference('dns', 'the query')
  return channels.default(place)
}

function joined(outsider: Outsider, place: Namespace, channel: Channel): Channel {
  for (const [name, args] of outsider.settings) Reflect.apply(channel[name], channel, args)
  outsider.channels.set(place, channel)
  outsider.all.add(new WeakRef(channel))
  return channel
}

/** What is set on a resolver that was made outside, and the end of its questions, are for what asks in contexts too. */
function hookSettings(patches: Patches, resolver: HandlePrototype): void {
  for (const name of ['setServers', 'setLocalAddress'] as const) {
    patches.value(resolver, name, setting(name, resolver[name] as AnyFunction))
  }
  patches.value(resolver, 'cancel', cancelling(resolver['cancel'] as AnyFunction))
}

function setting(name: 'setServers' | 'setLocalAddress', original: AnyFunction): AnyFunction {
  return function (this: NativeChannel, ...args: unknown[]) {
    const outsider = outsiders.get(this)
    // `dns.setServers` makes one that is to be everybody's, if it was taken before there were hooks on it.
    if (outsider === undefined && OurChannel?.isChecker(this) !== true && elsewhere() !== undefined) {
      throw capturedReference('dns', name)
    }
    const outcome: unknown = original.apply(this, args)
    if (outsider === undefined || (outcome !== undefined && outcome !== 0)) return outcome
    outsider.settings.set(name, args)
    outsider.channels = new WeakMap()
    return outcome
  }
}

function cancelling(original: AnyFunction): AnyFunction {
  return function (this: object, ...args: unknown[]) {
    for (const each of outsiders.get(this)?.all ?? []) each.deref()?.cancel()
    return original.apply(this, args)
  }
}
