/** What one process sends to another: a socket, or a server. */
import type { Namespace } from '../../namespace.ts'
import type { SocketHandle } from '../handles.ts'
import { adopt, contextOf } from '../storage.ts'

/** Of `net`, where it is a property, or of `dgram`, where it is a part of a state. */
type Sent = { _handle?: SocketHandle | null }

/**
 * Its events run in the current context from now on: Node made it of a message, which comes outside of all.
 *
 * @param accept - has what a server accepts belong to a place
 */
export function takeOver(sent: object, accept: (place: Namespace, server: SocketHandle) => void): void {
  const place = contextOf()
  const handle = (sent as Sent)._handle ?? stateOf(sent)?.handle
  if (place === undefined || !handle) return
  if (typeof handle.onconnection === 'function') accept(place, handle)
  else adopt(handle)
}

function stateOf(socket: object): { handle?: SocketHandle | null } | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  return symbol && Reflect.get(socket, symbol)
}
