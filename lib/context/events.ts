/** Events whose context Node loses: the namespace is known from the server or the stream that they belong to. */
import { builtin } from '../builtin.ts'
import { NetnsError } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { PLACE, type SocketHandle } from './handles.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { contextOf, runIn } from './place.ts'

type Emitter = { emit: AnyFunction; _handle?: SocketHandle | null; [PLACE]?: Namespace }

/** Puts the hooks on. */
export function hookEvents(patches: Patches): void {
  patches.method(builtin('net').Server.prototype, 'emit', (original) => {
    return function (this: Emitter, ...args: unknown[]) {
      // Remembered, as a closing server has events after its handle is gone.
      const place = this._handle?.[PLACE] ?? this[PLACE]
      if (place === undefined) return original.apply(this, args)
      this[PLACE] = place
      if (args[0] === 'session') rememberSession(patches, args[1] as Emitter, place)
      return contextOf() === place ? original.apply(this, args) : runIn(place, () => original.apply(this, args))
    }
  })
  // A server may listen in a later tick, where nobody could catch what is thrown.
  patches.method(builtin('net').Server.prototype, '_listen2', (original) => {
    return function (this: Emitter, ...args: unknown[]) {
      try {
        return original.apply(this, args)
      } catch (error) {
        if (!(error instanceof NetnsError)) throw error
        process.nextTick(() => this.emit('error', error))
      }
    }
  })
  patches.method(builtin('http2'), 'connect', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const session = original.apply(this, args) as Emitter
      const place = contextOf()
      if (place !== undefined) rememberSession(patches, session, place)
      return session
    }
  })
}

/** What an HTTP/2 server is asked, and what it pushes to a client, is made while a packet is parsed, in no context. */
function rememberSession(patches: Patches, session: Emitter, place: Namespace): void {
  session[PLACE] = place
  const prototype = Object.getPrototypeOf(session) as Emitter
  if (Object.hasOwn(prototype, 'emit')) return
  patches.method(prototype, 'emit', (original) => {
    return function (this: Emitter, ...args: unknown[]) {
      const known = this[PLACE]
      if (known === undefined) return original.apply(this, args)
      return runIn(known, () => {
        if (args[0] === 'stream') {
          const handle = handleOf(args[1] as object)
          handle?.asyncReset?.(handle)
        }
        return original.apply(this, args)
      })
    }
  })
}

function handleOf(stream: object): SocketHandle | undefined {
  for (const symbol of Object.getOwnPropertySymbols(stream)) {
    if (symbol.description === 'kHandle') return Reflect.get(stream, symbol)
  }
  return undefined
}
