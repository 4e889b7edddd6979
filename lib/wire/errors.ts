/** Errors of whatever asks by netlink. */
import { NetnsError } from '../errors.ts'

const NETLINK_REMEDIES: Readonly<Record<string, string>> = {
  EPERM: "This needs CAP_NET_ADMIN in the namespace's user namespace: run as root, or as by `unshare -Urn`.",
  ENETUNREACH: 'The gateway must be reachable over a link that is up: add its network first, or pass onlink.'
}

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
