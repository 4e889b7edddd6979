/** Errors in the shape that Node gives those of look-ups. */
import { builtin } from '../builtin.ts'
import { NetnsError } from '../errors.ts'

/** libuv's numbers for getaddrinfo's failures. */
export const EAI = { ADDRFAMILY: -3000, AGAIN: -3001, FAIL: -3004, NODATA: -3007, NONAME: -3008 } as const

/** A failed look-up. */
export interface LookupError extends Error {
  errno: number | undefined
  code: string
  syscall: string
  hostname?: string
}

/**
 * The error of a look-up.
 *
 * @param failure - one of {@link EAI}, or a code by its name.
 * @param hostname - what was looked up; Node leaves it out in one place.
 */
export function lookupError(failure: number | string, syscall: string, hostname: string | undefined): LookupError {
  const errno = typeof failure === 'number' ? failure : undefined
  const code = typeof failure === 'number' ? codeOf(failure) : failure
  const error = new Error(`${syscall} ${code}${hostname === undefined ? '' : ` ${hostname}`}`)
  return Object.assign(error, { errno, code, syscall, ...(hostname === undefined ? {} : { hostname }) })
}

/** To Node, a name without addresses does not exist. */
function codeOf(errno: number): string {
  return errno === EAI.NODATA || errno === EAI.NONAME ? 'ENOTFOUND' : builtin('util').getSystemErrorName(errno)
}

/** `ERR_NETNS_RUNTIME`: what has to hold of the runtime does not. */
export function runtime(missing: string): NetnsError {
  const message = `names cannot be resolved inside a namespace on this runtime: ${missing}. Use Node 20 or newer.`
  return new NetnsError({ code: 'ERR_NETNS_RUNTIME', message })
}
