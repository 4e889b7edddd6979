/** What is changed of a link, and the messages that change it. */
import { invalidValue } from '../errors.ts'
import { parseMac } from '../wire/address.ts'
import { FLAG, type LinkTarget, type Request } from '../wire/request.ts'
import { checkFlag, checkInteger, checkLink, checkLinkName, checkObject, checkU32, type LinkRef } from './check.ts'
import { text, writeFields } from './fields.ts'
import { IFLA, INFO, LINK_MESSAGE } from './link.ts'
import { LINK_KINDS } from './link-kinds.ts'

/** `IFF_UP`. */
export const IFF_UP = 1
const IFF_PROMISC = 0x100

/** What can be changed of a link. */
export interface LinkChanges {
  up?: boolean | undefined
  /** Bytes. */
  mtu?: number | undefined
  /** The hardware address. */
  mac?: string | undefined
  /** A new name, at most 15 bytes. */
  name?: string | undefined
  /** An empty one takes it away. */
  alias?: string | undefined
  /** `null` takes it out. */
  master?: LinkRef | null | undefined
  /** Whether it takes what is for other hosts, too. */
  promiscuous?: boolean | undefined
  /** Packets. */
  txQueueLength?: number | undefined
  /** The number of a group of links. */
  group?: number | undefined
  /** Options of its kind. */
  info?: Record<string, unknown> | undefined
}

const CHANGES = new Set([
  'up',
  'mtu',
  'mac',
  'name',
  'alias',
  'master',
  'promiscuous',
  'txQueueLength',
  'group',
  'info'
])

/** `RTM_NEWLINK` that sets a link up. */
export function writeUp(request: Request, link: LinkTarget): void {
  request.begin(LINK_MESSAGE.new, FLAG.ack)
  request.linkHeader(link, IFF_UP, IFF_UP).end()
}

interface Common {
  mac?: string | undefined
  mtu?: number | undefined
  txQueueLength?: number | undefined
}

/** What new links and changes have in common. */
export function writeCommon(request: Request, values: Common, label: string): void {
  const { mac, mtu, txQueueLength } = values
  if (mac !== undefined) request.attributeRaw(IFLA.address, parseMac(mac, `${label}.mac`))
  if (mtu !== undefined) request.attributeU32(IFLA.mtu, checkInteger(mtu, `${label}.mtu`, 0, 2 ** 31 - 1))
  if (txQueueLength !== undefined) {
    request.attributeU32(IFLA.txQueueLength, checkU32(txQueueLength, `${label}.txQueueLength`))
  }
}

/** `RTM_NEWLINK` for changes of a link that is there. */
export function writeChanges(request: Request, link: LinkTarget, changes: LinkChanges, kind?: string): void {
  checkObject(changes, 'changes')
  for (const name of Object.keys(changes)) {
    if (!CHANGES.has(name)) throw invalidValue(`changes.${name}`, changes[name as 'up'], 'there is no such option')
  }
  let [flags, mask] = [0, 0]
  for (const [name, bit] of [['up', IFF_UP] as const, ['promiscuous', IFF_PROMISC] as const]) {
    const wanted = changes[name]
    if (wanted === undefined) continue
    mask |= bit
    if (checkFlag(wanted, `changes.${name}`)) flags |= bit
  }
  request.begin(LINK_MESSAGE.new, FLAG.ack)
  request.linkHeader(link, flags, mask)
  const { name, alias, master, group, info } = changes
  if (name !== undefined) request.attributeText(IFLA.name, checkLinkName(name, 'changes.name'))
  writeCommon(request, changes, 'changes')
  if (alias !== undefined) text.write(request, IFLA.alias, alias, 'changes.alias')
  if (group !== undefined) request.attributeU32(IFLA.group, checkU32(group, 'changes.group'))
  if (master === null) request.attributeU32(IFLA.master, 0)
  else if (master !== undefined) request.attributeLink(IFLA.master, checkLink(master, 'changes.master'))
  if (info !== undefined && kind !== undefined) {
    request.nest(
      IFLA.info,
      () => {
        request.attributeText(INFO.kind, kind, 0)
        request.nest(INFO.data, () => writeFields(request, LINK_KINDS[kind] ?? {}, info, 'changes.info'), 0)
      },
      0
    )
  }
  request.end()
}
