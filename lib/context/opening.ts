/** One native call goes in, has Node open a handle's socket, comes back and asks the kernel whose the socket is. */
import { fromNative, notCalled, strayed } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { often } from '../native.ts'
import type { SocketHandle } from './handles.ts'
import type { AnyFunction } from './patches.ts'

/** What is to be called inside: set right before native code calls {@link perform}, which takes it. */
let next: { handle: SocketHandle; method: AnyFunction; args: unknown[] } | undefined
let result: unknown
/** What became of the last one, unless it returned: what it threw. Until it has ended, {@link UNENDED}. */
let failure: { error: unknown } | undefined
const UNENDED = { error: undefined }

function perform(): number {
  const { handle, method, args } = next as NonNullable<typeof next>
  next = undefined
  try {
    result = method.apply(handle, args)
    failure = undefined
  } catch (error) {
    failure = { error }
  }
  return handle.fd
}

/**
 * Calls a method of a handle with the thread inside.
 *
 * @param opened - called before this returns, if the handle has a socket now
 * @returns what the method does
 * @throws what the method throws; with the handle closed, `ERR_NETNS_STRAYED` if its socket is of another network, and what
 * the kernel says if it cannot tell
 */
export function openInside(
  place: Namespace,
  handle: SocketHandle,
  method: AnyFunction,
  args: unknown[],
  opened: (handle: SocketHandle, place: Namespace) => void
): unknown {
  let owned: number | undefined
  const { openInside, given } = often()
  given.number[0] = place.slot
  given.callback = perform
  next = { handle, method, args }
  failure = UNENDED
  try {
    owned = openInside()
  } catch (error) {
    next = undefined
    // Nobody knows whose it is.
    if (handle.fd >= 0) handle.close()
    throw fromNative(error)
  }
  const returned = result
  result = undefined
  if (failure !== undefined) {
    // In a thread that is being ended, native code calls nobody back, and cannot say so.
    const { error } = failure === UNENDED ? { error: notCalled() } : failure
    failure = undefined
    throw error
  }
  if (owned === 0) {
    handle.close()
    throw strayed(place.toString())
  }
  if (owned === 1) opened(handle, place)
  return returned
}
