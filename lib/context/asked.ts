/** Where connections were asked for: known before they have a socket, and whatever becomes of their handles. */
import type { Namespace } from '../namespace.ts'
import { Itself } from './itself.ts'

/** A connection of which that is known, in a private field, which nobody sees. */
export class Asked extends Itself {
  #place: Namespace | undefined

  private constructor(socket: object, place: Namespace | undefined) {
    super(socket)
    this.#place = place
  }

  /** A socket is about to connect in a context of `place`, or outside of all. */
  static note(socket: object, place: Namespace | undefined): void {
    if (#place in socket) socket.#place = place
    else new Asked(socket, place)
  }

  /** Where a socket was last asked to connect; undefined for outside, `null` if nobody was told of it. */
  static placeOf(socket: object): Namespace | undefined | null {
    return #place in socket ? socket.#place : null
  }
}
