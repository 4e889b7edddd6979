/**
 * HTTP/2's sessions: what a server is asked, and what it pushes to a client, is a stream that Node makes while it parses
 * a packet, in no context. It gets the session's as the session emits `'stream'`.
 */
import type builtinHttp2 from 'node:http2'
import type { Duplex } from 'node:stream'
import { builtin, hidden } from '../../builtin.ts'
import { runtimeLacks } from '../../errors.ts'
import type { Namespace } from '../../namespace.ts'
import type { AnyFunction, Patches } from '../patches.ts'
import { hereOrHome } from '../place.ts'
import { adopt, contextOf, runIn } from '../storage.ts'

type Session = { emit: AnyFunction }
/** Makes a session on a socket. */
type Make = (socket: Duplex) => unknown

const places = new WeakMap<Session, Namespace>()

/** Hooks the sessions of clients, and of servers that only have a socket. */
export function hookSessions(patches: Patches): void {
  const { connect, performServerHandshake } = builtin('http2') as typeof builtinHttp2 & {
    performServerHandshake?: Make
  }
  hookEmit(
    patches,
    prototypeOf((socket) => connect('http://localhost', { createConnection: () => socket }))
  )
  if (performServerHandshake !== undefined) hookEmit(patches, prototypeOf(performServerHandshake))
}

/** Whatever a server's session emits is in the server's namespace; what a client's does, Node keeps where it was made. */
export function rememberSession(patches: Patches, session: Session, place: Namespace): void {
  places.set(session, place)
  hookEmit(patches, Object.getPrototypeOf(session))
}

/**
 * A session first leaves a mark on its socket that says it is taken. The one here will not be, and the session is made no
 * further.
 *
 * @throws `ERR_NETNS_RUNTIME`
 */
function prototypeOf(make: Make): Session {
  const refusal = new Error('This socket is for nobody.')
  let session: Session | undefined
  const socket = new Proxy(
    {},
    {
      set(_target, _key, value) {
        session = value
        throw refusal
      }
    }
  )
  try {
    make(socket as Duplex)
  } catch (error) {
    if (error !== refusal) throw error
  }
  if (typeof session?.emit !== 'function') throw runtimeLacks("a visible session of http2's")
  return Object.getPrototypeOf(session)
}

function hookEmit(patches: Patches, prototype: Session): void {
  if (Object.hasOwn(prototype, 'emit')) return
  patches.method(prototype, 'emit', (original) => {
    return function (this: Session, ...args: unknown[]) {
      const place = places.get(this)
      if (place === undefined && contextOf() === undefined) return original.apply(this, args)
      if (place !== undefined && place !== hereOrHome()) return runIn(place, () => emitIn(this, original, args))
      return emitIn(this, original, args)
    }
  })
}

function emitIn(session: Session, emit: AnyFunction, args: unknown[]): unknown {
  if (args[0] === 'stream') takeAlong(args[1] as object)
  return emit.apply(session, args)
}

/** Has the events of a stream run in the current context. */
function takeAlong(stream: object): void {
  const handle = hidden<object | null>(stream, 'kHandle')
  if (handle) adopt(handle)
}
