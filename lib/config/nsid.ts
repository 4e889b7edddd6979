/** `ip netns set`: numbers by which one namespace knows others. */
import type { Namespace } from '../namespace.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { checkInteger, checkNamespace } from './check.ts'
import { later, now, type Operation } from './operation.ts'
import { change, decodeFirst } from './transport.ts'

/** `RTM_…` of ids. */
export const NSID_MESSAGE = { new: 88, delete: 89, get: 90 } as const
/** `NETNSA_…`. */
export const NETNSA = { id: 1, namespace: 3 } as const

/**
 * The id by which `namespace` knows `peer` (`RTM_GETNSID`), if it has one.
 *
 * @throws `ERR_NETNS_CLOSED`
 */
export function nsid(namespace: Namespace, peer: Namespace): number | undefined {
  return now(askId(namespace, peer))
}

function* askId(namespace: Namespace, peer: Namespace): Operation<number | undefined> {
  checkNamespace(peer, 'peer')
  const request = Request.take().begin(NSID_MESSAGE.get, FLAG.ack).u32(0)
  request.attributeNamespace(NETNSA.namespace, peer).end()
  const id = decodeFirst(yield* change(namespace, request, `ask for the id of ${peer}`), decodeId)
  return id === undefined || id < 0 ? undefined : id
}

/**
 * Gives `peer` an id in `namespace` (`RTM_NEWNSID`), which it keeps.
 *
 * @param id - by default the kernel's choice
 * @throws `EEXIST` if it has an id, or the id is another's
 */
export function setNsid(namespace: Namespace, peer: Namespace, id?: number): Promise<number> {
  return later(giveId(namespace, peer, id))
}

/** As {@link setNsid}, on this thread. */
export function setNsidSync(namespace: Namespace, peer: Namespace, id?: number): number {
  return now(giveId(namespace, peer, id))
}

function* giveId(namespace: Namespace, peer: Namespace, id?: number): Operation<number> {
  checkNamespace(peer, 'peer')
  const wanted = id === undefined ? 0xffff_ffff : checkInteger(id, 'id', 0, 2 ** 31 - 1)
  const request = Request.take().begin(NSID_MESSAGE.new, FLAG.ack).u32(0)
  request.attributeU32(NETNSA.id, wanted).attributeNamespace(NETNSA.namespace, peer).end()
  yield* change(namespace, request, `give ${peer} the id ${id ?? 'of the kernel’s choice'}`)
  return id ?? (yield* askId(namespace, peer)) ?? -1
}

/** Reads an id. */
export function decodeId(reader: Reader, message: Message): number | undefined {
  if (message.type !== NSID_MESSAGE.new && message.type !== NSID_MESSAGE.delete) return undefined
  const found = reader.attributes(message.start + 4, message.end).find(({ type }) => type === NETNSA.id)
  return found && reader.s32(found.start)
}
