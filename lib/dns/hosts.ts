/** hosts(5) and services(5). */
import { builtin } from '../builtin.ts'
import { canonical } from './server.ts'

/** What a hosts file says. */
export interface Hosts {
  /** The addresses of a name, in the file's order. */
  addresses(name: string): readonly HostAddress[]
  /** The names of an address, in the file's order. */
  names(address: string): readonly string[]
}

/** An address with its family. */
export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
}

/** Parses a hosts file; lines that are none are skipped. */
export function parseHosts(text: string): Hosts {
  const byName = new Map<string, HostAddress[]>()
  const byAddress = new Map<string, string[]>()
  for (const [address = '', ...names] of rows(text)) {
    const family = builtin('net').isIP(address)
    if (family !== 4 && family !== 6) continue
    for (const name of names) append(byName, fold(name), { address, family })
    for (const name of names) append(byAddress, canonical(address), name)
  }
  return {
    addresses: (name) => unique(byName.get(fold(name)) ?? []),
    names: (address) => [...new Set(byAddress.get(canonical(address)))]
  }
}

/** Parses a services file: the name of a TCP port. */
export function parseServices(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  for (const [name = '', port = ''] of rows(text)) {
    const [, number] = /^(\d{1,5})\/tcp$/.exec(port) ?? []
    // The first line of a port counts.
    if (number !== undefined && !names.has(Number(number))) names.set(Number(number), name)
  }
  return names
}

function* rows(text: string): Generator<string[]> {
  for (const line of text.split('\n')) {
    const row = (line.split('#', 1)[0] ?? '').trim()
    if (row !== '') yield row.split(/\s+/)
  }
}

function append<V>(map: Map<string, V[]>, name: string, value: V): void {
  const values = map.get(name)
  if (values === undefined) map.set(name, [value])
  else values.push(value)
}

function unique(addresses: readonly HostAddress[]): readonly HostAddress[] {
  return [...new Map(addresses.map((one) => [one.address, one])).values()]
}

function fold(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
