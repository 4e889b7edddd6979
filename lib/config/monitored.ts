/** What can be monitored: how each sort is subscribed to, asked for, read and told apart. */
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, type Request } from '../wire/request.ts'
import { type Address, decodeAddress } from './address.ts'
import { addressIdentity, linkIdentity, routeIdentity, textIdentity } from './identity.ts'
import { decodeLink, type Link } from './link.ts'
import { decodeNeighbour, type Neighbour } from './neighbour.ts'
import { decodeId } from './nsid.ts'
import { decodeRoute, type Route } from './route.ts'
import { decodeRule, type Rule } from './rule.ts'

/** What can be monitored, and what is told of it. */
export interface Monitored {
  /** Links, with their state. */
  link: Link
  /** IP addresses. */
  address: Address
  /** Routes. */
  route: Route
  /** Neighbours, which change all the time. */
  neighbour: Neighbour
  /** Routing rules. */
  rule: Rule
  /** The ids by which other namespaces are known. */
  nsid: { id: number }
}

/** A sort of what can be monitored. */
export type MonitorGroup = keyof Monitored
/** A change, with how it is now, or was last if it is gone. */
export type NetworkEvent<Group extends MonitorGroup = MonitorGroup> = {
  [G in Group]: { type: 'add' | 'change' | 'delete'; group: G; value: Monitored[G] }
}[Group]

/** What an event tells of. */
export type Value = NetworkEvent['value']
/** The names of links by their index. */
export type Names = Map<number, string>

const NO_NAMES: Names = new Map()

/** How one group is subscribed to, dumped, read and told apart. */
interface Source {
  multicast: number[]
  /** The type that says "new"; "delete" is one more, the question two more. */
  type: number
  /** How long the header of the question is. */
  header: number
  decode(reader: Reader, message: Message, names: Names): Value | undefined
  /** Leaves what tells one from all others in `identified`, and returns its length; 0 for a message that tells of none. */
  identity(reader: Reader, message: Message): number
}

/** By group. */
export const SOURCES: Record<MonitorGroup, Source> = {
  link: { multicast: [1], type: 16, header: 16, decode: decodeLink, identity: linkIdentity },
  address: { multicast: [5, 9], type: 20, header: 8, decode: decodeAddress, identity: addressIdentity },
  route: { multicast: [7, 11], type: 24, header: 12, decode: decodeRoute, identity: routeIdentity },
  neighbour: {
    multicast: [3],
    type: 28,
    header: 12,
    decode: decodeNeighbour,
    identity: (reader, message) => {
      const n = decodeNeighbour(reader, message, NO_NAMES)
      if (n === undefined) return 0
      return textIdentity(`${n.index} ${n.proxy} ${n.to ?? `${n.mac} ${n.vlan} ${n.master} ${n.via}`}`)
    }
  },
  rule: {
    multicast: [8, 19],
    type: 32,
    header: 12,
    decode: decodeRule,
    identity: (reader, message) => textIdentity(JSON.stringify(decodeRule(reader, message)) ?? '')
  },
  nsid: {
    multicast: [28],
    type: 88,
    header: 4,
    decode: (reader, message) => {
      const id = decodeId(reader, message)
      return id === undefined ? undefined : { id }
    },
    identity: (reader, message) => textIdentity(decodeId(reader, message)?.toString() ?? '')
  }
}

/** Writes the question how everything of a group is. */
export function ask(request: Request, group: MonitorGroup): void {
  const { type, header } = SOURCES[group]
  request
    .begin(type + 2, FLAG.dump)
    .raw(new Uint8Array(header))
    .end()
}

/** Whether a value has not changed, but for what changes all the time: a link's counters, an address's remaining lifetime. */
export function same(group: MonitorGroup, one: Value | undefined, other: Value): boolean {
  return one !== undefined && printOf(group, one) === printOf(group, other)
}

function printOf(group: MonitorGroup, value: Value): string {
  if (group === 'link') return JSON.stringify({ ...(value as Link), stats: undefined })
  if (group === 'address') {
    return JSON.stringify({ ...(value as Address), validLifetime: undefined, preferredLifetime: undefined })
  }
  return JSON.stringify(value)
}
