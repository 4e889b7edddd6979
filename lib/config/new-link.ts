/** A new link takes several messages: those in the order in which the kernel can follow them. */
import type { Namespace } from '../namespace.ts'
import { FLAG, type LinkTarget, Request } from '../wire/request.ts'
import { writeAddress } from './address.ts'
import { type LinkChanges, writeChanges, writeUp } from './link-changes.ts'
import { checkSpec, type LinkSpec, type VethPeer, writeGet, writeNewLink } from './link-spec.ts'

/** Whether no message makes such a link. */
export function isTun({ kind }: LinkSpec): boolean {
  return kind === 'tun' || kind === 'tap'
}

/** What makes a link, gives it what it is to have, and asks how it is then; of a tun, what is left once it is made. */
export function writeLink(namespace: Namespace, spec: LinkSpec): Request {
  const schema = checkSpec(spec)
  const request = Request.take()
  // Of what is for one recipient, one acknowledgement stands for all.
  request.acknowledgeLast = true
  if (!isTun(spec)) {
    const { linkNetns } = spec
    writeNewLink(request, spec, schema, linkNetns && namespace)
    request.to(linkNetns ?? namespace)
  }
  if (spec.kind === 'veth') {
    const peer = spec.peer as VethPeer
    writePeerRest(request, spec.name, peer)
    request.to(peer.netns ?? namespace)
  }
  writeRest(request, spec)
  writeGet(request, spec.name)
  request.to(namespace)
  return request
}

/** What only a link that exists can be given. */
function writeRest(request: Request, spec: LinkSpec): void {
  const tun = isTun(spec)
  const late = tun || spec.alias !== undefined || (spec.master !== undefined && spec.linkNetns !== undefined)
  if (late) writeLate(request, spec, tun)
  writeAddresses(request, spec.name, spec.addresses, 'spec.addresses')
}

function writeLate(request: Request, spec: LinkSpec, tun: boolean): void {
  const late: LinkChanges = {}
  if (spec.alias !== undefined) late.alias = spec.alias
  if (spec.master !== undefined && (tun || spec.linkNetns !== undefined)) late.master = spec.master
  if (tun) {
    if (spec.up !== undefined) late.up = spec.up
    if (spec.mtu !== undefined) late.mtu = spec.mtu
    if (spec.mac !== undefined) late.mac = spec.mac
    if (spec.txQueueLength !== undefined) late.txQueueLength = spec.txQueueLength
  }
  if (Object.keys(late).length > 0) writeChanges(request, spec.name, late)
}

function writePeerRest(request: Request, name: string, { up, addresses }: VethPeer): void {
  const target = { peerOf: name }
  if (up) writeUp(request, target)
  writeAddresses(request, target, addresses, 'spec.peer.addresses')
}

function writeAddresses(request: Request, dev: LinkTarget, addresses: readonly string[] = [], label: string): void {
  for (let i = 0; i < addresses.length; i++) {
    const spec = { address: addresses[i] as string, noDad: true }
    const flags = FLAG.create | FLAG.excl | FLAG.ack
    try {
      writeAddress(request, spec, dev, '', flags)
    } catch {
      // Only one that is wrong is worth a name.
      request.abandon()
      writeAddress(request, spec, dev, `${label}[${i}]`, flags)
    }
  }
}
