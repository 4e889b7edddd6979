/**
 * Sockets of a namespace that the thread may not enter: a broker makes them, and libuv's handles are given them open.
 * What a handle then does differently is undone, and names of interfaces are looked up by the socket itself.
 */
import type { Namespace } from '../../namespace.ts'
import { attempt } from '../../native.ts'
import type { SocketHandle } from '../handles.ts'
import type { AnyFunction } from '../patches.ts'
import { listInterfaces } from './interfaces.ts'
import { callMulticast, isMulticast } from './multicast.ts'

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
/** A sort of `Pipe`. */
const PIPE_SOCKET = 0
/** The room for a unix socket's name, which Node 20 fills for an abstract one. */
const FULL_NAME = 107
/** What the kernel says of a socket that was made. */
const OF_SOCKETS = ['socket', 'bind', 'setsockopt', 'getsockopt']

/** Whether it is about a unix socket with a path: those cross namespaces, and are nobody's. */
export function crosses({ kind, method }: Call, args: unknown[]): boolean {
  if (kind !== 'pipe' || method === 'listen') return false
  const name = nameOf(method, args)
  return typeof name === 'string' && !name.startsWith('\0')
}

/** Makes the call of a handle that has no socket yet on one of the namespace's. */
export function callBrokered(handle: SocketHandle, place: Namespace, call: Call, args: unknown[]): unknown {
  const { kind, method } = call
  if (kind === 'udp' && isMulticast(call)) {
    return callMulticast(handle, call, args, (v6) =>
      give(handle, () => openSocket(place, kind, v6 ? AF_INET6 : AF_INET))
    )
  }
  if (kind === 'pipe' && method.startsWith('bind')) {
    const name = abstractName(handle, call, String(nameOf(method, args)))
    // Libuv would not bind a pipe that is open; now it is both.
    return name === undefined ? UV_EINVAL : give(handle, () => bindAbstract(place, name))
  }
  const family = kind === 'pipe' ? AF_UNIX : method.endsWith('6') ? AF_INET6 : AF_INET
  let fd = -1
  const failed = give(handle, () => {
    fd = openSocket(place, kind, family)
    return fd
  })
  if (failed) return failed
  if (kind === 'udp') attempt((native) => native.forbidReuse(fd))
  return callScoped(handle, call, args, place)
}

/** Gives a handle the socket that `make` makes; returns what failed. */
function give(handle: SocketHandle, make: () => number): number {
  try {
    return (handle as OpenableHandle).open(make()) ?? 0
  } catch (error) {
    return errorNumber(error)
  }
}

function openSocket(place: Namespace, kind: Kind, family: number | undefined): number {
  const type = (kind === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK
  return attempt((native) => native.openSocket(place.handle, family as number, type))
}

/** As the kernel has it: filled by Node 20, and cut where it is too long by those Nodes that take such a one at all. */
function abstractName(handle: SocketHandle, call: Call, name: string): Buffer | undefined {
  const bytes = Buffer.from(name.slice(1))
  if (bytes.length > FULL_NAME) return cutsNames(handle, call) ? bytes.subarray(0, FULL_NAME) : undefined
  const padded = Number.parseInt(process.versions.node, 10) < 22
  return padded ? Buffer.concat([bytes, Buffer.alloc(FULL_NAME - bytes.length)]) : bytes
}

/** Libuv refuses what is too long before it looks where it is. Nothing can be made there. */
function cutsNames(handle: SocketHandle, { original }: Call): boolean {
  const tried: SocketHandle = Reflect.construct(handle.constructor, [PIPE_SOCKET])
  const failed = original.call(tried, `/proc/self/none/${'x'.repeat(FULL_NAME)}`)
  tried.close()
  return failed !== UV_EINVAL
}

function bindAbstract(place: Namespace, name: Buffer): number {
  return attempt((native) => native.bindAbstract(place.handle, name))
}

/** What the kernel said of a socket is the handle's to return; all else is thrown. */
export function errorNumber(error: unknown): number {
  const { errno, syscall } = error as NodeJS.ErrnoException
  if (errno !== undefined && OF_SOCKETS.includes(String(syscall))) return errno
  throw error
}

function nameOf(method: string, args: unknown[]): unknown {
  return args[method.startsWith('connect') ? 1 : 0]
}

/**
 * Makes a call on a socket that is open, whose address may name an interface. What binds or connects a socket to a
 * link-local address also ties it to the interface, so it is tied first, and the address goes without.
 */
export function callScoped(handle: SocketHandle, call: Call, args: unknown[], place: Namespace): unknown {
  const { kind, method, original } = call
  const { fd } = handle
  if (fd < 0) return original.apply(handle, args)
  if (kind === 'udp' && isMulticast(call)) return callMulticast(handle, call, args)
  const named = args.findIndex((arg) => typeof arg === 'string' && arg.includes('%'))
  const [at, chosen] = named === -1 ? [1, chosenLink(call, args, place)] : [named, '']
  if (chosen === undefined) return original.apply(handle, args)
  const [address = '', link = chosen] = String(args[at]).split('%')
  const bare = args.map((arg, index) => (index === at ? address : arg))
  if (!needsLink(address)) return original.apply(handle, bare)
  const sends = kind === 'udp' && method.startsWith('send')
  try {
    attempt((native) => (sends ? native.sendByLink(fd, link) : native.bindToLink(fd, link)))
  } catch (error) {
    return errorNumber(error)
  }
  if (!sends) return original.apply(handle, bare)
  try {
    return original.apply(handle, bare)
  } finally {
    attempt((native) => native.sendByLink(fd, undefined))
  }
}

/**
 * The interface that libuv would choose from version 1.47 on, which Node 20 does not have, for a connection that names
 * none; undefined where it chooses none.
 */
function chosenLink({ kind, method }: Call, args: unknown[], place: Namespace): string | undefined {
  if (kind !== 'tcp' || method !== 'connect6' || !/^fe80:/i.test(String(args[1]))) return undefined
  if (Number.parseInt(process.versions.node, 10) < 22) return undefined
  let first: { name: string; index: number } | undefined
  for (const [name, addresses = []] of Object.entries(listInterfaces(place))) {
    for (const { address, scopeid = 0 } of addresses as { address: string; scopeid?: number }[]) {
      if (address.startsWith('fe80:') && (first === undefined || scopeid < first.index))
        first = { name, index: scopeid }
    }
  }
  return first?.name
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
