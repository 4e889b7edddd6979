/** Errors of configuration. */
import { coded, kind, NetnsError } from '../errors.ts'

/** What the kernel said to messages of a netlink request. */
export interface Refusal {
  /** Which messages. */
  items: readonly number[]
  code: string
  errno: number
  /** What the errno means in general. */
  meaning: string
  /** What the kernel says it means here. */
  text?: string
}

/**
 * The kernel refused to do what `words` say, as in 'add route 10.0.0.0/8 via 10.1.1.1 dev eth0'.
 *
 * @param remedy - what to do, where that is known better than from the errno
 */
export function refused(refusal: Refusal, words: string, remedy = NETLINK_REMEDIES[refusal.code]): NetnsError {
  const meaning = refusal.meaning.charAt(0).toLowerCase() + refusal.meaning.slice(1)
  let message = `${refusal.code}: ${meaning}, netlink: cannot ${words}`
  if (refusal.text) message += `: ${refusal.text.replace(/\.$/, '')}`
  if (remedy !== undefined) message += `. ${remedy}`
  return new NetnsError({ code: refusal.code, errno: refusal.errno, syscall: 'netlink', message })
}

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

const NETLINK_REMEDIES: Readonly<Record<string, string>> = {
  EPERM: "This needs CAP_NET_ADMIN in the namespace's user namespace: run as root, or as by `unshare -Urn`.",
  ENETUNREACH: 'The gateway must be reachable over a link that is up: add its network first, or pass onlink.'
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
