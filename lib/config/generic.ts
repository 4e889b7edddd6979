/** Generic netlink: parts of the kernel that are asked by name (`genl`). */

import type { Namespace } from '../namespace.ts'
import { refused } from '../wire/errors.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, PROTOCOL, Request } from '../wire/request.ts'
import type { Operation } from './operation.ts'
import { decodeFirst, exchange } from './transport.ts'

/** `GENL_ID_CTRL`: the family that knows the others. */
const CONTROLLER = 16
const CTRL_CMD_GETFAMILY = 3
/** `CTRL_ATTR_…`. */
const CTRL = { id: 1, name: 2 } as const

/** Of `struct genlmsghdr`, which every message begins with. */
export const GENERIC_HEADER = 4

/** Begins a message to a family. */
export function beginGeneric(request: Request, family: number, flags: number, command: number): Request {
  // Version 1 of every family so far; two bytes are reserved.
  return request.begin(family, flags).u8(command).u8(1).u16(0)
}

/**
 * The number that a family has until the next boot (`CTRL_CMD_GETFAMILY`). The kernel may load its module for it.
 *
 * @param words - what is attempted, as in 'set wireguard wg0'
 * @param remedy - what to do where the kernel lacks it
 * @throws `EOPNOTSUPP` if there is no such family
 */
export function* resolveFamily(namespace: Namespace, name: string, words: string, remedy: string): Operation<number> {
  const request = beginGeneric(new Request(PROTOCOL.generic, 64), CONTROLLER, FLAG.ack, CTRL_CMD_GETFAMILY)
  request.attributeText(CTRL.name, name).end()
  const { reader, refusals } = yield* exchange(namespace, request)
  const refusal = refusals[0]
  if (refusal !== undefined && refusal.code !== 'ENOENT') throw refused(refusal, words)
  const id = refusal === undefined ? decodeFirst(reader, decodeFamily) : undefined
  if (id !== undefined) return id
  const meaning = 'Operation not supported'
  throw refused({ items: [0], code: 'EOPNOTSUPP', errno: -95, meaning }, words, remedy)
}

function decodeFamily(reader: Reader, { type, start, end }: Message): number | undefined {
  if (type !== CONTROLLER) return undefined
  const id = reader.attributes(start + GENERIC_HEADER, end).find((attribute) => attribute.type === CTRL.id)
  return id && reader.u16(id.start)
}
