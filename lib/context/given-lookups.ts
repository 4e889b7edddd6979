/**
 * Look-ups that the program gives to sockets. Those that keep answers may call whoever waits for one from a queue of
 * theirs, in the context of whoever asked first: where a socket goes must not depend on that.
 */
import { builtin, hidden, overlaid } from '../builtin.ts'
import { noteAsked } from './asked.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { refusing } from './refusals.ts'
import { contextOf, handlesTell, noteMade, returning } from './storage.ts'

/** Options of sockets, which some programs make by classes of theirs. */
interface Options {
  lookup: AnyFunction
}

/** Puts the hook on connections. */
export function hookConnecting(patches: Patches): void {
  const { prototype } = builtin('net').Socket
  const { connect } = prototype as { connect: AnyFunction }
  patches.replace(prototype, 'connect', function (this: Connecting, ...args: unknown[]) {
    const first = args[0]
    // One of TLS was made with its handle. Otherwise there is none yet, and nothing to be noted where it will tell.
    const { _handle: handle } = this
    const tell = handlesTell()
    if (handle || !tell) noteAsked(this, tell && handle ? handle : undefined)
    // Node itself calls this with all arguments in one array, which it has marked, and may use again.
    return hasLookup(Array.isArray(first) ? first[0] : first)
      ? connectReturning(this, connect, args)
      : connect.apply(this, args)
  })
}

/** A connection. */
interface Connecting {
  _handle?: object | null
}

/** Connects by a look-up of the program's that answers here. */
function connectReturning(socket: object, connect: AnyFunction, args: unknown[]): unknown {
  const given = Array.isArray(args[0]) ? args[0] : args
  const options = given[0]
  given[0] = returningToCaller(options)
  try {
    return connect.apply(socket, args)
  } finally {
    given[0] = options
  }
}

/** Puts the hook on datagrams. */
export function hookDatagrams(patches: Patches): void {
  const dgram = builtin('dgram')
  const { createSocket, Socket } = dgram as { createSocket: AnyFunction; Socket: typeof dgram.Socket }
  patches.replace(dgram, 'createSocket', function (this: unknown, ...args: unknown[]) {
    return noted(createSocket.apply(this, withLookup(args)))
  })
  // A proxy, as all else about the class is the original's.
  const hooked = new Proxy(Socket, {
    construct: (target, args, newTarget) => noted(Reflect.construct(target as never, withLookup(args), newTarget)),
    // As a class of the style before ES6 does with the one that it inherits from.
    apply(target, self: object, args) {
      const made: unknown = Reflect.apply(target as never, self, withLookup(args))
      noted((made as object | undefined) ?? self)
      return made
    }
  })
  patches.value(Socket.prototype, 'constructor', hooked)
  patches.value(dgram, 'Socket', hooked)
  // Node 24 is the first to have it.
  if ('bindSync' in Socket.prototype) patches.method(Socket.prototype, 'bindSync', refusing)
}

/** The arguments that a UDP socket is made with: a look-up of the program's answers where it is asked. */
function withLookup(args: unknown[]): unknown[] {
  const [options, ...others] = args
  return hasLookup(options) ? [returningToCaller(options), ...others] : args
}

/** A UDP socket may be bound elsewhere than where it is made, and is to hear there. */
function noted<T extends object>(socket: T): T {
  const handle = contextOf() && hidden<{ handle?: object | null }>(socket, 'state symbol')?.handle
  if (handle) noteMade(handle)
  return socket
}

function hasLookup(options: unknown): options is Options {
  return typeof options === 'object' && options !== null && typeof (options as Partial<Options>).lookup === 'function'
}

/** The options with a look-up that answers whoever calls it in his own context. Node gives it a callback, last. */
function returningToCaller(options: Options): object {
  const { lookup } = options
  const wrapped = function (this: unknown, ...args: unknown[]) {
    const callback = args.at(-1)
    if (typeof callback === 'function') args[args.length - 1] = returning(callback as AnyFunction)
    return lookup.apply(this, args)
  }
  return overlaid(options, { lookup: wrapped })
}
