/** The order of addresses to try (RFC 6724), as far as it follows from which address of ours each is reached from. */

import type dgram from 'node:dgram'
import { builtin } from '../builtin.ts'
import type { HostAddress } from './hosts.ts'
import { hexDigits } from './reverse.ts'

/** More are left in the order that they came in: each costs a socket. */
const MOST = 32

interface Candidate extends HostAddress {
  readonly rank: readonly number[]
}

/**
 * Sorts addresses by RFC 6724's rules 1 (usable), 2 (scope matches), 5 (label matches), 6 (precedence) and 8 (smaller
 * scope). Rules 3, 4 and 7 need what only netlink tells, rule 9 would undo a server's balancing.
 */
export async function sorted(addresses: readonly HostAddress[]): Promise<readonly HostAddress[]> {
  const ranked = await Promise.all(addresses.slice(0, MOST).map(withRank))
  const order = ranked.sort((one, other) => compare(one.rank, other.rank))
  return [...order.map(({ address, family }) => ({ address, family })), ...addresses.slice(MOST)]
}

async function withRank(destination: HostAddress): Promise<Candidate> {
  const source = await sourceFor(destination)
  const [scope, [precedence, label]] = [scopeOf(destination.address), policyOf(destination.address)]
  const usable = source !== undefined
  const rank = [
    usable ? 0 : 1,
    usable && scopeOf(source) === scope ? 0 : 1,
    usable && policyOf(source)[1] === label ? 0 : 1,
    -precedence,
    scope
  ]
  return { ...destination, rank }
}

function compare(one: readonly number[], other: readonly number[]): number {
  for (const [index, value] of one.entries()) {
    const difference = value - (other[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The address that the kernel would send from. Connecting a datagram socket asks its routes and sends nothing. */
function sourceFor({ address, family }: HostAddress): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = builtin('dgram').createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      lookup: (host, options, callback) => callback(null, host, typeof options === 'number' ? options : family)
    })
    const finish = (source: string | undefined): void => {
      socket.close()
      resolve(source)
    }
    socket.once('error', () => finish(undefined))
    socket.once('connect', () => finish(addressOf(socket)))
    try {
      socket.connect(53, address)
    } catch {
      finish(undefined)
    }
  })
}

function addressOf(socket: dgram.Socket): string | undefined {
  try {
    return socket.address().address
  } catch {
    return undefined
  }
}

const GLOBAL = 14
const SITE_LOCAL = 5
const LINK_LOCAL = 2

/** RFC 6724 §3.1 and §3.2. */
function scopeOf(address: string): number {
  if (!address.includes(':')) return /^(?:127|169\.254)\./.test(address) ? LINK_LOCAL : GLOBAL
  const digits = hexDigits(address)
  if (digits.startsWith('ff')) return Number.parseInt(digits.charAt(3), 16)
  if (/^(?:0{31}1|fe[89ab])/.test(digits)) return LINK_LOCAL
  return /^fe[c-f]/.test(digits) ? SITE_LOCAL : GLOBAL
}

/** Precedence and label of RFC 6724 §2.1's table, by the first digits of an address. */
const POLICY: readonly (readonly [string, number, number])[] = [
  ['00000000000000000000000000000001', 50, 0],
  ['00000000000000000000ffff', 35, 4],
  ['000000000000000000000000', 1, 3],
  ['20010000', 5, 5],
  ['2002', 30, 2],
  ['3ffe', 1, 12],
  ['fec', 1, 11],
  ['fed', 1, 11],
  ['fee', 1, 11],
  ['fef', 1, 11],
  ['fc', 3, 13],
  ['fd', 3, 13]
]

function policyOf(address: string): readonly [precedence: number, label: number] {
  if (!address.includes(':')) return [35, 4]
  const digits = hexDigits(address)
  const [, precedence, label] = POLICY.find(([prefix]) => digits.startsWith(prefix)) ?? ['', 40, 1]
  return [precedence, label]
}
