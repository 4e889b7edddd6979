/**
 * A connection that is given up says so where it was asked for. Whoever gives it up may be anywhere: undici has one timer
 * for all connections that take too long, which is of whoever began it, and connects again in what it calls.
 */
import { builtin } from '../builtin.ts'
import { closed, outsideContext } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { Asked } from './asked.ts'
import { handleOf } from './events.ts'
import { PLACE } from './handles.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome, placeOutside } from './place.ts'
import { contextOf, runIn, storedWith } from './storage.ts'

/** Puts the hook on sockets of TCP and TLS. */
export function hookFailures(patches: Patches): void {
  const { prototype } = builtin('net').Socket
  const { _destroy } = prototype as unknown as { _destroy: AnyFunction }
  patches.replace(prototype, '_destroy', function (this: object, error: unknown, done: AnyFunction) {
    // Without an error, all that is left is `'close'`, which is the handle's.
    if (!error) return _destroy.call(this, error, done)
    const place = askedIn(this)
    return failIn(place, _destroy, this, refusalFor(place, error), done)
  })
}

/** What refused a connection, where Node says only that it was not permitted. */
function refusalFor(place: Namespace | undefined | null, error: unknown): unknown {
  if (place === null || (error as NodeJS.ErrnoException).code !== 'EPERM') return error
  if (place?.closed) return closed(place.toString())
  return place === undefined && placeOutside() === null ? outsideContext() : error
}

function failIn(
  place: Namespace | undefined | null,
  destroy: AnyFunction,
  socket: object,
  error: unknown,
  done: AnyFunction
): unknown {
  const isThere = place === undefined ? contextOf() === undefined : place === null || hereOrHome() === place
  return isThere
    ? destroy.call(socket, error, done)
    : runIn(place ?? undefined, () => destroy.call(socket, error, done))
}

/** The place of a connection, whatever has become of it; undefined for outside, `null` for what does not tell. */
function askedIn(socket: object): Namespace | undefined | null {
  const asked = Asked.placeOf(socket, (socket as { _handle?: unknown })._handle)
  if (asked !== null) return asked
  const handle = handleOf(socket)
  if (handle === undefined) return null
  const found = storedWith(handle)
  // What went elsewhere by what is said of I/O outside is known by where it is, and so is what was accepted.
  return found?.namespace ?? handle[PLACE] ?? (found === null ? null : undefined)
}
