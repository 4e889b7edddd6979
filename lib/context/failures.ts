/**
 * A connection that is given up says so where it was asked for. Whoever gives it up may be anywhere: undici has one timer
 * for all connections that take too long, which is of whoever began it, and connects again in what it calls.
 */
import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import { ASKED, PLACE, type SocketHandle } from './handles.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome } from './place.ts'
import { contextOf, foreignContext, runIn } from './storage.ts'

/** Of TLS, a handle has the one beneath. */
type Handle = SocketHandle & { _parent?: Handle | null; connect?: AnyFunction }

interface Given {
  connecting: boolean
  _handle?: Handle | null
  /** What TLS has. */
  _tlsOptions?: { isServer?: boolean }
}

/** Puts the hook on sockets of TCP and TLS. */
export function hookFailures(patches: Patches): void {
  const { prototype } = builtin('net').Socket
  const { _destroy } = prototype as unknown as { _destroy: AnyFunction }
  patches.replace(prototype, '_destroy', function (this: Given, error: unknown, done: AnyFunction) {
    // Without an error, all that is left is `'close'`, which is the handle's.
    return error ? failIn(askedIn(this), _destroy, this, error, done) : _destroy.call(this, error, done)
  })
}

function failIn(
  place: Namespace | undefined | null,
  destroy: AnyFunction,
  socket: Given,
  error: unknown,
  done: AnyFunction
): unknown {
  const isThere = place === undefined ? contextOf() === undefined : place === null || hereOrHome() === place
  return isThere
    ? destroy.call(socket, error, done)
    : runIn(place ?? undefined, () => destroy.call(socket, error, done))
}

/** The place of a connection, whatever has become of it; undefined for outside, `null` for what does not tell. */
function askedIn(socket: Given): Namespace | undefined | null {
  let handle = socket._handle
  while (handle?._parent) handle = handle._parent
  if (!handle) return null
  const place = handle[PLACE] ?? handle[ASKED]
  if (place !== undefined) return place
  // Others came from somewhere, as a child's pipes and accepted connections did.
  const isOwn = socket.connecting || socket._tlsOptions?.isServer === false
  return isOwn && typeof handle.connect === 'function' && foreignContext() === undefined ? undefined : null
}
