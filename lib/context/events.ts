/** Events whose context Node loses: the namespace is known from the server that they belong to. */
import { builtin } from '../builtin.ts'
import { NetnsError } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { PLACE, type SocketHandle } from './handles.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome } from './place.ts'
import { contextOf, runIn } from './storage.ts'

/** With the socket behind the request: Node 20 and 22 call them while a parser of theirs reads, in no context. */
function isTakenOver(event: unknown): boolean {
  return event === 'connect' || event === 'upgrade'
}

type Taken = { _handle?: Handle | null } | undefined

/** Of TLS, a handle has the one beneath. */
type Handle = SocketHandle & { _parent?: Handle | null }

type Emitter = { emit: AnyFunction; _handle?: SocketHandle | null; [PLACE]?: Namespace | undefined }

/** Puts the hooks on. */
export function hookEvents(patches: Patches): void {
  const server = builtin('net').Server.prototype as unknown as Record<'emit' | '_listen2', AnyFunction>
  const { emit, _listen2 } = server
  patches.replace(server, 'emit', function (this: Emitter, ...args: unknown[]) {
    // One that was never in a namespace may be given connections by one that is.
    const place = this._handle?.[PLACE] ?? this[PLACE] ?? (isTakenOver(args[0]) ? placeOf(args[2]) : undefined)
    if (args[0] === 'session') {
      const where = place ?? contextOf()
      if (where !== undefined) parts.late.rememberSession(patches, args[1] as Emitter, where)
    }
    if (place === undefined) return emit.apply(this, args)
    return hereOrHome() === place ? emit.apply(this, args) : runIn(place, emitAs, emit, this, args)
  })
  // A server may listen in a later tick, where nobody could catch what is thrown.
  patches.replace(server, '_listen2', function (this: Emitter, ...args: unknown[]) {
    // Remembered, as there are events before the handle is there and after it is gone, and one that came from elsewhere,
    // by its descriptor, does not tell.
    const place = hereOrHome()
    if (this[PLACE] !== place) this[PLACE] = place
    try {
      return _listen2.apply(this, args)
    } catch (error) {
      if (!(error instanceof NetnsError)) throw error
      process.nextTick(() => this.emit('error', error))
    }
  })
}

/** Where a socket is that was accepted in a namespace, TLS or not. */
export function placeOf(socket: unknown): Namespace | undefined {
  let handle = (socket as Taken)?._handle
  while (handle && handle[PLACE] === undefined) handle = handle._parent
  return handle?.[PLACE]
}

/** A function of its own, as one within another costs that one whether it is called or not. */
function emitAs(emit: AnyFunction, self: Emitter, args: unknown[]): unknown {
  return emit.apply(self, args)
}
