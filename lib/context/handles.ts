/** Libuv's handles open their sockets in the context's namespace, and the kernel is asked whether they did. */
import { hidden } from '../builtin.ts'
import { isShortage, strayed } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import { parts } from '../parts.ts'
import { noteAsked } from './asked.ts'
import type { Call, Kind } from './brokered/sockets.ts'
import { openInside } from './opening.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { here, inside, isBrokered, isBrokeredNow, isRefusedEntry, outsideOrHome, placeOrRefusal } from './place.ts'
import type { HandlePrototype } from './prototypes.ts'
import { tellBinding } from './refusals.ts'
import { adopt, disown, namespaceIn, runIn, stored } from './storage.ts'

/** Where the socket of a handle is, for handles that were opened in a context or accepted by one that was. */
export const PLACE = Symbol('node-netns.place')

/** The part of a libuv handle that matters here. */
export interface SocketHandle {
  fd: number
  close(): void
  onconnection?: AnyFunction
  onerror?: AnyFunction
  send?: AnyFunction
  [PLACE]?: Namespace
}

/** The prototypes of the handles that open sockets. */
export type SocketPrototypes = Record<Kind, HandlePrototype>

const UV_EPERM = -1
const UV_ENXIO = -6
/** What Node says has failed where an address names an interface that home does not have. */
const UNKNOWN_LINK = 'uv_if_indextoiid'
/** `send(request, list, count, port, address, hasCallback)`. */
const ADDRESS_OF_SEND = 4
const MEMBERSHIPS = [
  'addMembership',
  'dropMembership',
  'addSourceSpecificMembership',
  'dropSourceSpecificMembership',
  'setMulticastInterface'
]
const NAMES = ['getsockname', 'getpeername']

/** Puts the hooks on. */
export function hookHandles(patches: Patches, { tcp, udp, pipe }: SocketPrototypes): void {
  hook(patches, tcp, 'tcp', ['connect', 'connect6'], dialling)
  hook(patches, tcp, 'tcp', ['bind', 'bind6'], connecting)
  // Node 24 binds and connects pipes by the latter two as well.
  hook(patches, pipe, 'pipe', ['bind', 'bind2'], connecting)
  hook(patches, pipe, 'pipe', ['connect', 'connect2'], connectingPipe)
  hook(patches, tcp, 'tcp', ['listen'], listening)
  hook(patches, pipe, 'pipe', ['listen'], listening)
  hook(patches, udp, 'udp', ['bind', 'bind6'], binding)
  hook(patches, udp, 'udp', ['send', 'send6'], sending)
  hook(patches, udp, 'udp', ['connect', 'connect6', ...MEMBERSHIPS], opening)
  hook(patches, udp, 'udp', ['recvStart'], receiving)
  hook(patches, tcp, 'tcp', NAMES, naming)
  hook(patches, udp, 'udp', NAMES, naming)
}

/** Those of `methods` that there are: which there must be, {@link findPrototype} knows. */
function hook(
  patches: Patches,
  prototype: HandlePrototype,
  kind: Kind,
  methods: readonly string[],
  make: (call: Call) => AnyFunction
): void {
  for (const method of methods) {
    const original = prototype[method]
    if (original !== undefined) patches.value(prototype, method, make({ original, kind, method }))
  }
}

/** A call that opens a socket if there is none yet, or whose address may name an interface. */
function opening(call: Call): AnyFunction {
  return function (this: SocketHandle, ...args: unknown[]) {
    return openIfNone(this, call, args)
  }
}

function openIfNone(handle: SocketHandle, call: Call, args: unknown[]): unknown {
  const place = handle[PLACE]
  if (place !== undefined) {
    if (!args.some(namesInterface) && !isUnscoped(call, args)) return call.original.apply(handle, args)
    if (place.closed) return UV_ENXIO
    const scoped = () => parts.brokered.callScoped(handle, call, args, place)
    return isBrokered(place) ? scoped() : inside(place, () => call.original.apply(handle, args), scoped)
  }
  // It was opened where that was right.
  if (handle.fd >= 0) return call.original.apply(handle, args)
  return openIn(here(), handle, call, args)
}

function openIn(place: Namespace | undefined, handle: SocketHandle, call: Call, args: unknown[]): unknown {
  if (place === undefined || handle.fd >= 0) return call.original.apply(handle, args)
  return open(handle, place, call, args)
}

/** What `send` becomes, by what it was hooked with, once a handle's socket is where it belongs. */
const settled = new WeakMap<AnyFunction, AnyFunction>()

/** As {@link opening}, for the first datagram: afterwards it is Node's own function again, as it is called so often. */
function sending(call: Call): AnyFunction {
  const hooked = opening(call)
  const { original } = call
  const scoped = function (this: SocketHandle, ...args: unknown[]) {
    return namesInterface(args[ADDRESS_OF_SEND]) ? hooked.apply(this, args) : original.apply(this, args)
  }
  // Addresses of IPv4 have no scope.
  settled.set(hooked, call.method === 'send' ? original : scoped)
  return hooked
}

/** As {@link opening}; a failure of ours goes to the socket, whose user is not on the stack any more. */
function connecting(call: Call): AnyFunction {
  return refusable(call, tellConnecting)
}

/** As {@link connecting}. A pipe is a connection if it is asked for here; others are a child's, or the process's own. */
function connectingPipe(call: Call): AnyFunction {
  const hooked = connecting(call)
  return function (this: SocketHandle, ...args: unknown[]) {
    const socket = ownerOf(this)
    if (socket !== undefined) noteAsked(socket, this)
    return hooked.apply(this, args)
  }
}

function tellConnecting(handle: SocketHandle, socket: OwnerSocket | undefined, error: unknown): void {
  if (socket === undefined) {
    // A server gets its handle once it is bound; `_listen2` makes this an event of it.
    handle.close()
    throw error
  }
  if (socket.autoSelectFamilyAttemptedAddresses === undefined) socket.destroy(error as Error)
  else tellAtLast(socket, error as Error)
}

/** As {@link tellConnecting}. The further attempts of TLS have nobody: their socket is told when they have all failed. */
function tellDialling(handle: SocketHandle, socket: OwnerSocket | undefined, error: unknown): void {
  if (socket !== undefined) tellConnecting(handle, socket, error)
}

/** While several addresses are tried, Node must find the socket as it was. When all have failed, it destroys it. */
function tellAtLast(socket: OwnerSocket, error: Error): void {
  if (Object.hasOwn(socket, 'destroy')) return
  const { destroy } = socket
  const telling = (given?: NodeJS.ErrnoException) => {
    Reflect.deleteProperty(socket, 'destroy')
    return destroy.call(socket, given?.code === 'EPERM' ? error : given)
  }
  Object.defineProperty(socket, 'destroy', { value: telling, configurable: true, writable: true })
}

/** As {@link connecting}, with the three arguments that TCP always has: every connection comes by here. */
function dialling(call: Call): AnyFunction {
  const { original } = call
  return function (this: SocketHandle, request: unknown, address: unknown, port: unknown) {
    const place = placeFor(this)
    if (place === undefined) return original.call(this, request, address, port)
    return openOrTell(this, call, [request, address, port], tellDialling, place)
  }
}

/** As {@link connecting}, for datagrams: Node tells of its own error next, and says what was really wrong. */
function binding(call: Call): AnyFunction {
  return refusable(call, tellBinding)
}

/** Tells whoever waits for a handle of what was thrown. */
type Tell = (handle: SocketHandle, socket: OwnerSocket | undefined, error: unknown) => void

/** As {@link opening}: what is thrown is told by `tell`, and Node gets an error number as of a handle. */
function refusable(call: Call, tell: Tell): AnyFunction {
  const { original } = call
  return function (this: SocketHandle, ...args: unknown[]) {
    const place = placeFor(this)
    return place === undefined ? original.apply(this, args) : openOrTell(this, call, args, tell, place)
  }
}

/** Where a handle without a socket belongs, if that is elsewhere; `null` for one that has a place, and for a refusal. */
function placeFor(handle: SocketHandle): Namespace | undefined | null {
  return handle[PLACE] === undefined ? placeOrRefusal() : null
}

function openOrTell(handle: SocketHandle, call: Call, args: unknown[], tell: Tell, place: Namespace | null): unknown {
  try {
    return place === null ? openIfNone(handle, call, args) : openIn(place, handle, call, args)
  } catch (error) {
    tell(handle, ownerOf(handle), error)
    return UV_EPERM
  }
}

function open(handle: SocketHandle, place: Namespace, call: Call, args: unknown[]): unknown {
  try {
    return isBrokered(place)
      ? openBrokered(handle, place, call, args)
      : openInside(place, handle, call.original, args, settle)
  } catch (error) {
    return openOtherwise(handle, place, call, args, error)
  }
}

/** Where the thread was not let in there may be a broker by now; what there was too little of, Node tells as its own. */
function openOtherwise(handle: SocketHandle, place: Namespace, call: Call, args: unknown[], error: unknown): unknown {
  if (isShortage(error)) return error.errno
  if (!isRefusedEntry(error) || isBrokered(place) || !isBrokeredNow(place)) throw error
  return openBrokered(handle, place, call, args)
}

function openBrokered(handle: SocketHandle, place: Namespace, call: Call, args: unknown[]): unknown {
  if (parts.brokered.crosses(call, args)) {
    handle[PLACE] = place
    return call.original.apply(handle, args)
  }
  const result = parts.brokered.callBrokered(handle, place, call, args)
  if (handle.fd >= 0) {
    verify(handle, place)
    settle(handle, place)
  }
  return result
}

/** @throws with the handle closed, `ERR_NETNS_STRAYED` if its socket is of another network, and what the kernel says if it cannot tell */
function verify(handle: SocketHandle, place: Namespace): void {
  let owned = false
  try {
    owned = attempt((native) => native.ownsSocket(place.handle, handle.fd))
  } finally {
    if (!owned) handle.close()
  }
  if (!owned) throw strayed(place.toString())
}

/** The handle has a socket of its own, which belongs to `place`. */
function settle(handle: SocketHandle, place: Namespace): void {
  handle[PLACE] = place
  // A handle of IPv6 has `send6` for its `send`.
  const send = handle.send && settled.get(handle.send)
  if (send !== undefined) handle.send = send
}

/** Accepted handles are made outside any context; theirs is that of the server. */
function listening(call: Call): AnyFunction {
  const hooked = opening(call)
  return function (this: SocketHandle, ...args: unknown[]) {
    const place = this[PLACE] ?? here()
    const accept = this.onconnection
    if (place !== undefined && accept !== undefined) {
      this.onconnection = function (status: number, accepted: SocketHandle | undefined) {
        if (accepted !== undefined) accepted[PLACE] = place
        const found = stored()
        const context = namespaceIn(found)
        // Without any context they are where they belong, if that is what the policy says.
        if (context === undefined && outsideOrHome() === place) return accept.call(this, status, accepted)
        return context === place
          ? acceptHere(this, accept, status, accepted, found)
          : runIn(place, acceptHere, this, accept, status, accepted)
      }
    }
    return hooked.apply(this, args)
  }
}

/** What a server that came from another process accepts belongs to `place` from now on, wherever its socket is. */
export function acceptIn(place: Namespace, server: SocketHandle, accept: AnyFunction): void {
  server.onconnection = function (status: number, accepted: SocketHandle | undefined) {
    return runIn(place, acceptHere, this, accept, status, accepted)
  }
}

/** What is accepted belongs to the current context. */
function acceptHere(
  server: SocketHandle,
  accept: AnyFunction,
  status: number,
  accepted: SocketHandle | undefined,
  found = stored()
): unknown {
  if (accepted !== undefined) adopt(accepted, found)
  return accept.call(server, status, accepted)
}

/** Names of interfaces are those of the socket's namespace, not of the thread's. */
function naming(call: Call): AnyFunction {
  const { original } = call
  return function (this: SocketHandle, ...args: unknown[]) {
    const place = this[PLACE]
    if (place === undefined) return original.apply(this, args)
    if (isBrokered(place)) return parts.brokered.nameBrokered(this, call, args)
    // Hardly any address names one, and the thread need not move for the others.
    const found = namedAtHome(this, original, args)
    if (found !== undefined) return found.result
    if (place.closed) return nameless(args[0] as { address?: string })
    const askSocket = () => parts.brokered.nameBrokered(this, call, args)
    return inside(place, () => original.apply(this, args), askSocket)
  }
}

/** What the call says with the thread at home, unless the name of an interface is part of it. */
function namedAtHome(handle: SocketHandle, original: AnyFunction, args: unknown[]): { result: unknown } | undefined {
  try {
    const result = original.apply(handle, args)
    return namesInterface((args[0] as { address?: string } | undefined)?.address) ? undefined : { result }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== UNKNOWN_LINK) throw error
  }
}

/** Nobody can go there any more to ask for the name of an interface, and home's is another one's. */
function nameless(address: { address?: string }): number {
  if (address.address === undefined) return UV_ENXIO
  address.address = address.address.replace(/%.*/, '')
  return 0
}

/**
 * A socket's messages are heard in the context that it is bound in, or outside, and not where it was made, which for one
 * of another process is none. Libuv looks up the interface of a link-local sender in the thread's namespace, and Node makes
 * the failure an `'error'` of the socket, which any neighbour could cause. Such a datagram is dropped instead.
 */
function receiving({ original }: Call): AnyFunction {
  return function (this: SocketHandle, ...args: unknown[]) {
    const found = stored()
    if (found === undefined) disown(this)
    else adopt(this, found)
    const report = this.onerror
    if (this[PLACE] !== undefined && report !== undefined) {
      this.onerror = function (size: number, handle: unknown, error: NodeJS.ErrnoException) {
        if (error?.syscall !== UNKNOWN_LINK) report.call(this, size, handle, error)
      }
    }
    return original.apply(this, args)
  }
}

function namesInterface(argument: unknown): boolean {
  return typeof argument === 'string' && argument.includes('%')
}

/** Whether newer versions of libuv choose the interface: the first that the thread sees with such an address. */
function isUnscoped({ kind, method }: Call, args: unknown[]): boolean {
  return kind === 'tcp' && method === 'connect6' && /^fe80:/i.test(String(args[1]))
}

interface OwnerSocket {
  destroy(error?: Error): void
  emit: AnyFunction
  autoSelectFamilyAttemptedAddresses?: string[]
}

function ownerOf(handle: object): OwnerSocket | undefined {
  return hidden<OwnerSocket | null>(handle, 'owner_symbol') ?? undefined
}
