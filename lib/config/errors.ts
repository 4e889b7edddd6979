/** Errors of configuration. */
import { coded, kind, NetnsError } from '../errors.ts'

/**
 * What `make` returns or throws, an error without a stack: those of ten thousands would be most of what the collector moves
 * at once, while the event loop stands still. Of an item of many, its place tells more.
 */
export function withoutStack<T>(make: () => T): T {
  const limit = Error.stackTraceLimit
  // Where nobody may change it, there are stacks.
  Reflect.set(Error, 'stackTraceLimit', 0)
  try {
    return make()
  } finally {
    Reflect.set(Error, 'stackTraceLimit', limit)
  }
}

/** `ERR_NETNS_INTERRUPTED`: what was listed kept changing; `partial` is what could be seen. */
export function interrupted<T>(words: string, partial: T[]): NetnsError & { partial: T[] } {
  const message = `cannot ${words}: it kept changing while it was listed. The list so far is in the error's "partial".`
  return Object.assign(new NetnsError({ code: 'ERR_NETNS_INTERRUPTED', message }), { partial })
}

/** `ENETUNREACH`: there is no network to make an uplink of. */
export function badNetwork(why: string): NetnsError {
  const message = `ENETUNREACH: network is unreachable, netlink: cannot make an uplink: ${why}`
  return new NetnsError({ code: 'ENETUNREACH', errno: -101, syscall: 'netlink', message })
}

/** `ERR_NETNS_NOT_READY`: a network was waited for in vain. */
export function notReady(missing: string): NetnsError {
  return new NetnsError({ code: 'ERR_NETNS_NOT_READY', message: `the network is not ready: ${missing}` })
}

/** `ENODEV`: there is no such link, or no longer. */
export function noLink(link: string, words: string): NetnsError {
  const message = `ENODEV: no such device, netlink: cannot ${words}: there is no link '${link}'`
  return new NetnsError({ code: 'ENODEV', errno: -19, syscall: 'netlink', message })
}

/** As `invalidValue`, for what must not be shown: a key, or what may be one. */
export function invalidSecret(name: string, reason: string): TypeError {
  return coded(new TypeError(`The ${kind(name)} is invalid: ${reason}`), 'ERR_INVALID_ARG_VALUE')
}
