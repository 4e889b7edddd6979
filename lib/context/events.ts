/** Events whose context Node loses: the namespace is known from the server that they belong to. */
import { builtin } from '../builtin.ts'
import { NetnsError } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { PLACE, type SocketHandle } from './handles.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome } from './place.ts'
import { runIn } from './storage.ts'

type Emitter = { emit: AnyFunction; _handle?: SocketHandle | null; [PLACE]?: Namespace | undefined }

/** Puts the hooks on. */
export function hookEvents(patches: Patches): void {
  const server = builtin('net').Server.prototype as unknown as Record<'emit' | '_listen2', AnyFunction>
  const { emit, _listen2 } = server
  patches.replace(server, 'emit', function (this: Emitter, ...args: unknown[]) {
    // Remembered, as a closing server has events after its handle is gone; another handle may be of nowhere else.
    const { _handle: handle } = this
    const place = handle ? handle[PLACE] : this[PLACE]
    if (this[PLACE] !== place) this[PLACE] = place
    if (place === undefined) return emit.apply(this, args)
    if (args[0] === 'session') parts.late.rememberSession(patches, args[1] as Emitter, place)
    return hereOrHome() === place ? emit.apply(this, args) : runIn(place, emitAs, emit, this, args)
  })
  // A server may listen in a later tick, where nobody could catch what is thrown.
  patches.replace(server, '_listen2', function (this: Emitter, ...args: unknown[]) {
    try {
      return _listen2.apply(this, args)
    } catch (error) {
      if (!(error instanceof NetnsError)) throw error
      process.nextTick(() => this.emit('error', error))
    }
  })
}

/** A function of its own, as one within another costs that one whether it is called or not. */
function emitAs(emit: AnyFunction, self: Emitter, args: unknown[]): unknown {
  return emit.apply(self, args)
}
