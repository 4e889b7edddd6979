/** The names under which addresses are found (RFC 1035 §3.5, RFC 3596 §2.5). */
import { builtin } from '../builtin.ts'
import { canonical } from './server.ts'

/** The name to ask a PTR of; undefined for what is no address. */
export function reverseName(address: string): string | undefined {
  switch (builtin('net').isIP(address)) {
    case 4:
      return `${address.split('.').reverse().join('.')}.in-addr.arpa`
    case 6:
      return `${[...hexDigits(address)].reverse().join('.')}.ip6.arpa`
    default:
      return undefined
  }
}

/** The 32 digits of an IPv6 address. */
export function hexDigits(address: string): string {
  const short = canonical(address).replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [a * 256 + +b, c * 256 + +d].map((group) => group.toString(16)).join(':')
  )
  const [head = '', tail] = short.split('::', 2)
  const groups = (part: string | undefined) => (part ? part.split(':') : [])
  const [before, after] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join('')
}
