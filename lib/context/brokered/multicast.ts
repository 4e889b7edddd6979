/** Calls about multicast, on sockets of a namespace that the thread may not enter, as libuv makes them. */
import { builtin } from '../../builtin.ts'
import { attempt } from '../../native.ts'
import type { SocketHandle } from '../handles.ts'
import type { AnyFunction } from '../patches.ts'
import { type Call, errorNumber } from './sockets.ts'

const SET_INTERFACE = 'setMulticastInterface'
const UV_UDP_REUSEADDR = 4

/** Whether a call is one of these. */
export function isMulticast({ method }: Call): boolean {
  return method === SET_INTERFACE || method.endsWith('Membership')
}

/**
 * Makes one.
 *
 * @param open - for a handle without a socket: gives it one, of IPv6 or not, and says what failed. It is called before the
 * first membership, whose group says which it is, and by nothing else.
 */
export function callMulticast(
  handle: SocketHandle,
  call: Call,
  args: unknown[],
  open?: (v6: boolean) => number
): unknown {
  const { method, original } = call
  const scoped = args.some((arg) => typeof arg === 'string' && arg.includes('%'))
  if (method === SET_INTERFACE) {
    if (open !== undefined || !scoped) return original.apply(handle, args)
    return numberOf(() => attempt((native) => native.multicastByLink(handle.fd, String(args[0]))))
  }
  const [group, source] = method.includes('Source') ? [args[1], args[0]] : [args[0]]
  const family = familyOf(group)
  // Libuv finds that before it opens anything.
  if (family === 0 || (source !== undefined && familyOf(source) !== family)) return original.apply(handle, args)
  const failed = open && (open(family === 6) || bindAnywhere(handle, family === 6))
  if (failed) return failed
  if (family === 4 || !scoped) return original.apply(handle, args)
  const link = source === undefined ? args[1] : args[2]
  const words = [source, link].map((arg) => (arg === undefined ? undefined : String(arg)))
  return numberOf(() =>
    attempt((native) => native.membership(handle.fd, String(group), words[0], words[1], method.startsWith('add')))
  )
}

/** A socket that is opened for a membership is bound at once, and leaves its port to others. */
function bindAnywhere(handle: SocketHandle, v6: boolean): number {
  // One made for IPv6 has another `bind` of its own.
  const { bind, bind6 } = Object.getPrototypeOf(handle) as { bind: AnyFunction; bind6: AnyFunction }
  const bound = v6 ? bind6.call(handle, '::', 0, UV_UDP_REUSEADDR) : bind.call(handle, '0.0.0.0', 0, UV_UDP_REUSEADDR)
  return bound as number
}

/** Of an address, whose interface nobody looks at: zero if it is none. */
function familyOf(address: unknown): number {
  const text = String(address)
  const family = builtin('net').isIP(text.replace(/%.*$/s, ''))
  return family === 4 && text.includes('%') ? 0 : family
}

function numberOf(call: () => void): number {
  try {
    call()
    return 0
  } catch (error) {
    return errorNumber(error)
  }
}
