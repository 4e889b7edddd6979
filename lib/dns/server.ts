/** A name server's address. */
import { builtin } from '../builtin.ts'

/** A name server. */
export interface Server {
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
  /** The address as datagrams from it state it: canonical, without a scope. */
  readonly source: string
}

/** The standard port. */
export const DNS_PORT = 53

/** A server by its address, or nothing if that is none. */
export function serverAt(address: string, port: number): Server | undefined {
  const family = builtin('net').isIP(address)
  if (family !== 4 && family !== 6) return undefined
  return { address, port, family, source: canonical(address) }
}

/** The shortest form of an IP address, without its scope. */
export function canonical(address: string): string {
  const bare = address.split('%', 1)[0] ?? address
  if (!bare.includes(':')) return bare
  return new (builtin('net').SocketAddress)({ address: bare, family: 'ipv6' }).address
}

/** Tells servers apart. */
export function key(server: Server): string {
  return `${server.address}#${server.port}`
}
