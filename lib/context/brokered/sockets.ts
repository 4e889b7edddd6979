/**
 * Sockets of a namespace that the thread may not enter: a broker makes them, and libuv's handles are given them open.
 * What a handle then does differently is undone, and names of interfaces are looked up by the socket itself.
 */
import type { Namespace } from '../../namespace.ts'
import { attempt } from '../../native.ts'
import type { SocketHandle } from '../handles.ts'
import type { AnyFunction } from '../patches.ts'

/** The sorts of handles. */
export type Kind = 'tcp' | 'udp' | 'pipe'

/** A hooked method of a handle. */
export interface Call {
  original: AnyFunction
  kind: Kind
  method: string
}

type OpenableHandle = SocketHandle & { open(fd: number): number | undefined }

const [AF_UNIX, AF_INET, AF_INET6] = [1, 2, 10]
const [SOCK_STREAM, SOCK_DGRAM, SOCK_NONBLOCK] = [1, 2, 0o4000]
const UV_EINVAL = -22
/** The room for a unix socket's name, which Node 20 fills for an abstract one. */
const FULL_NAME = 107

/** Whether it is about a unix socket with a path: those cross namespaces, and are nobody's. */
export function crosses({ kind, method }: Call, args: unknown[]): boolean {
  if (kind !== 'pipe' || method === 'listen') return false
  const name = nameOf(method, args)
  return typeof name === 'string' && !name.startsWith('\0')
}

/** Makes the call of a handle that has no socket yet on one of the namespace's. */
export function callBrokered(handle: SocketHandle, place: Namespace, call: Call, args: unknown[]): unknown {
  const { kind, method } = call
  const abstract = kind === 'pipe' && method.startsWith('bind')
  let fd: number
  try {
    fd = abstract ? bindAbstract(place, String(nameOf(method, args))) : openSocket(place, call)
  } catch (error) {
    return errorNumber(error)
  }
  const failed = (handle as OpenableHandle).open(fd)
  if (failed) return failed
  // Libuv would not bind a pipe that is open; now it is both.
  if (abstract) return 0
  if (kind === 'udp') attempt((native) => native.forbidReuse(fd))
  return args.some((arg) => typeof arg === 'string' && arg.includes('%'))
    ? callScoped(handle, call, args)
    : call.original.apply(handle, args)
}

function openSocket(place: Namespace, { kind, method }: Call): number {
  const family = kind === 'pipe' ? AF_UNIX : method.endsWith('6') ? AF_INET6 : AF_INET
  const type = (kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK
  return attempt((native) => native.openSocket(place.handle, family as number, type))
}

function bindAbstract(place: Namespace, name: string): number {
  const bytes = Buffer.from(name.slice(1))
  const padded = Number.parseInt(process.versions.node, 10) < 22
  const whole = padded ? Buffer.concat([bytes, Buffer.alloc(Math.max(0, FULL_NAME - bytes.length))]) : bytes
  return attempt((native) => native.bindAbstract(place.handle, whole))
}

/** What the kernel said of a socket is the handle's to return; all else is thrown. */
function errorNumber(error: unknown): number {
  const { errno, syscall } = error as NodeJS.ErrnoException
  if (errno !== undefined && (syscall === 'socket' || syscall === 'bind')) return errno
  throw error
}

function nameOf(method: string, args: unknown[]): unknown {
  return args[method.startsWith('connect') ? 1 : 0]
}

/**
 * Makes a call whose address names an interface, on a socket that is open. What binds or connects a socket to a
 * link-local address also ties it to the interface, so it is tied first, and the address goes without.
 */
export function callScoped(handle: SocketHandle, { kind, method, original }: Call, args: unknown[]): unknown {
  const { fd } = handle
  const at = args.findIndex((arg) => typeof arg === 'string' && arg.includes('%'))
  const [address = '', link = ''] = String(args[at]).split('%')
  const bare = args.map((arg, index) => (index === at ? address : arg))
  try {
    switch (method) {
      case 'addMembership':
      case 'dropMembership':
        attempt((native) => native.membership(fd, String(args[0]), link, method === 'addMembership'))
        return 0
      case 'setMulticastInterface':
        attempt((native) => native.multicastByLink(fd, link))
        return 0
      case 'addSourceSpecificMembership':
      case 'dropSourceSpecificMembership':
        return UV_EINVAL
    }
    if (!needsLink(address)) return original.apply(handle, bare)
    if (kind === 'tcp' || !method.startsWith('send')) {
      attempt((native) => native.bindToLink(fd, link))
      return original.apply(handle, bare)
    }
    attempt((native) => native.sendByLink(fd, link))
  } catch {
    // As libuv, for which an interface that is not there is none.
    return UV_EINVAL
  }
  try {
    return original.apply(handle, bare)
  } finally {
    attempt((native) => native.sendByLink(fd, undefined))
  }
}

/** Whether the kernel takes an interface with an address: those of one link, multicast included. */
function needsLink(address: string): boolean {
  return /^(fe[89ab]|ff.[12])/i.test(address)
}

/** `getsockname` and `getpeername`: libuv would look up the interface of a link-local address at home. */
export function nameBrokered(handle: SocketHandle, { original, method }: Call, args: unknown[]): unknown {
  const out = args[0] as { address?: string; family?: string; port?: number }
  let result: unknown
  try {
    result = original.apply(handle, args)
    if (!out.address?.includes('%')) return result
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== 'uv_if_indextoiid') throw error
  }
  const found = attempt((native) => native.endpointOf(handle.fd, method === 'getpeername'))
  if (found) Object.assign(out, found)
  return result ?? 0
}
