/** What one process sends to another: a socket, or a server. */
import { hidden } from '../../builtin.ts'
import type { Namespace } from '../../namespace.ts'
import type { SocketHandle } from '../handles.ts'
import type { AnyFunction } from '../patches.ts'
import { adopt, contextOf } from '../storage.ts'

/** Of `net`, where it is a property, or of `dgram`, where it is a part of a state. */
type Sent = { _handle?: SocketHandle | null; handle?: SocketHandle | null }

/**
 * Its events run in the current context from now on: Node made it of a message, which comes outside of all.
 *
 * @param acceptIn - has what a server accepts belong to a place. Imported here, the build would load its file apart
 */
export function takeOver(
  sent: object,
  acceptIn: (place: Namespace, server: SocketHandle, accept: AnyFunction) => void
): void {
  const place = contextOf()
  const handle = (sent as Sent)._handle ?? hidden<Sent>(sent, 'state symbol')?.handle
  if (place === undefined || !handle) return
  const { onconnection } = handle
  if (typeof onconnection === 'function') acceptIn(place, handle, onconnection)
  else adopt(handle)
}
