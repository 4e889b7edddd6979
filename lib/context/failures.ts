/**
 * A connection that is given up says so where it was asked for. Whoever gives it up may be anywhere: undici has one timer
 * for all connections that take too long, which is of whoever began it, and connects again in what it calls.
 */
import { builtin } from '../builtin.ts'
import { closed, outsideContext } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { Asked } from './asked.ts'
import { placeOf } from './events.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome, placeOutside } from './place.ts'
import { contextOf, runIn, storedWith } from './storage.ts'

/**
 * Puts the hook on sockets of TCP and TLS.
 *
 * @param pipe - the prototype of handles of other streams, of which only those that were noted are connections
 */
export function hookFailures(patches: Patches, pipe: object): void {
  const { prototype } = builtin('net').Socket
  const { _destroy } = prototype as unknown as { _destroy: AnyFunction }
  const fail = (socket: object, error: unknown, done: AnyFunction) => {
    const place = askedIn(socket, pipe)
    return failIn(place, _destroy, socket, refusalFor(place, error), done)
  }
  // Every socket that ends comes by here: so short that it is compiled into whoever calls it. Without an error, all that is
  // left is `'close'`, which is the handle's.
  patches.replace(prototype, '_destroy', function (this: object, error: unknown, done: AnyFunction) {
    return error ? fail(this, error, done) : _destroy.call(this, error, done)
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

/** A socket, of which one that was accepted has a server. */
interface Told {
  _handle?: object | null
  _server?: object | null
}

/** The place of a connection, whatever has become of it; undefined for outside, `null` for what does not tell. */
function askedIn(socket: Told, pipe: object): Namespace | undefined | null {
  const { _handle: handle, _server: server } = socket
  const asked = Asked.placeOf(socket, handle)
  if (asked !== null) return asked
  // Of TLS its own, as the one beneath may come from elsewhere.
  const found = handle ? storedWith(handle) : null
  const place = found?.namespace ?? placeOf(socket)
  if (place !== undefined) return place
  // Others came from somewhere, as a child's pipes and accepted connections did.
  return found === null || server || Object.getPrototypeOf(handle) === pipe ? null : undefined
}
