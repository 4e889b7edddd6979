/**
 * Look-ups that the program gives to sockets. Those that keep answers may call whoever waits for one from a queue of
 * theirs, in the context of whoever asked first: where a socket goes must not depend on that.
 */
import { builtin } from '../builtin.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { contextOf, returning } from './storage.ts'

/** What has a `lookup(name, options, callback)`, or without the options. */
interface Options {
  lookup?: unknown
}

/** Puts the hook on connections. */
export function hookConnecting(patches: Patches): void {
  const { prototype } = builtin('net').Socket
  const { connect } = prototype as { connect: AnyFunction }
  patches.replace(prototype, 'connect', function (this: unknown, ...args: unknown[]) {
    const [first] = args
    // Node itself calls this with all arguments in one array, which it has marked.
    if (Array.isArray(first)) keep(first)
    else keep(args)
    return connect.apply(this, args)
  })
}

/** Puts the hook on datagrams. */
export function hookDatagrams(patches: Patches): void {
  const dgram = builtin('dgram')
  const { createSocket } = dgram as { createSocket: AnyFunction }
  patches.replace(dgram, 'createSocket', function (this: unknown, ...args: unknown[]) {
    const [options] = args
    if (hasLookup(options)) args[0] = returningToCaller(options)
    return createSocket.apply(this, args)
  })
}

/** The options come first, where there are any. */
function keep(args: unknown[]): void {
  const [options] = args
  if (hasLookup(options) && contextOf() !== undefined) args[0] = returningToCaller(options)
}

function hasLookup(options: unknown): options is { lookup: AnyFunction } {
  return typeof options === 'object' && options !== null && typeof (options as Options).lookup === 'function'
}

/** The options with a look-up that answers whoever calls it in his own context. Node gives it a callback, last. */
function returningToCaller(options: { lookup: AnyFunction }): object {
  const value = function (this: unknown, ...args: unknown[]) {
    const callback = args.at(-1)
    if (typeof callback === 'function') args[args.length - 1] = returning(callback as AnyFunction)
    return options.lookup.apply(this, args)
  }
  return Object.create(options, { lookup: { value } })
}
