/** Where connections were asked for: known before they have a socket, and whatever becomes of their handles. */
import type { Namespace } from '../namespace.ts'
import { Itself } from './itself.ts'
import { namespaceIn, stored } from './storage.ts'

/** A connection of which that is known, in private fields, which nobody sees. */
export class Asked extends Itself {
  #place: Namespace | undefined
  #handle: object | undefined

  private constructor(socket: object, place: Namespace | undefined, handle: object | undefined) {
    super(socket)
    this.#place = place
    this.#handle = handle
  }

  /**
   * A socket is about to connect in a context of `place`, or outside of all.
   *
   * @param handle - the one that it has already; what is noted is for as long as it does
   */
  static note(socket: object, place: Namespace | undefined, handle: object | undefined): void {
    if (#place in socket) {
      socket.#place = place
      socket.#handle = handle
    } else new Asked(socket, place, handle)
  }

  /**
   * Where a socket was last asked to connect; undefined for outside, `null` if nobody was told of it.
   *
   * @param handle - the one that it has now
   */
  static placeOf(socket: object, handle: unknown): Namespace | undefined | null {
    if (!(#place in socket)) return null
    return socket.#handle === undefined || socket.#handle === handle ? socket.#place : null
  }
}

/** Notes that a connection is asked for here, for as long as it has that handle, if any. */
export function noteAsked(socket: object, handle: object | undefined): void {
  const found = stored()
  const place = namespaceIn(found)
  // Of contexts of another copy of this library, that one knows.
  if (place !== undefined || found === undefined) Asked.note(socket, place, handle)
}
