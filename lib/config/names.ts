/** The names of a namespace's links by their index. */
import type { Namespace } from '../namespace.ts'
import { IFLA, LINK_MESSAGE } from './link.ts'
import { linkHeader } from './link-spec.ts'
import { dump } from './transport.ts'
import { FLAG, Request } from './wire/request.ts'

/** `RTEXT_FILTER_SKIP_STATS`: what costs most is not wanted. */
const SKIP_STATS = 8

/** Asks for them. */
export async function linkNames(namespace: Namespace): Promise<Map<number, string>> {
  const request = new Request().begin(LINK_MESSAGE.get, FLAG.dump)
  linkHeader(request, 0).attributeU32(IFLA.extMask, SKIP_STATS).end()
  const names = new Map<number, string>()
  await dump(
    namespace,
    request,
    (reader, message) => {
      for (const { type, start, end } of reader.attributes(message.start + 16, message.end)) {
        if (type === IFLA.name) {
          names.set(reader.u32(message.start + 4), reader.text(start, end))
          return undefined
        }
      }
      return undefined
    },
    'list links'
  )
  return names
}
