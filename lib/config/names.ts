/** The names of a namespace's links by their index, which is how the kernel calls them in everything else. */

import type { Namespace } from '../namespace.ts'
import type { Answer } from '../wire/answer.ts'
import { Attributes, type Message, type Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { interrupted, noLink } from './errors.ts'
import { IFLA, LINK_MESSAGE } from './link.ts'
import type { Operation } from './operation.ts'
import { type Decode, decodeAll, dumpBytes } from './transport.ts'

/** Names by index. */
export type Names = ReadonlyMap<number, string>

/** Names by index, and the other way round. */
export class LinkNames extends Map<number, string> {
  /** By alternative names. */
  readonly alternatives = new Map<string, number>()

  /**
   * The index of a link.
   *
   * @param words - what is attempted, for the error
   * @throws `ENODEV` if there is none
   */
  indexOf(link: number | string, words: string): number {
    if (typeof link === 'number') return link
    for (const [index, name] of this) if (name === link) return index
    const index = this.alternatives.get(link)
    if (index === undefined) throw noLink(link, words)
    return index
  }
}

/** `RTEXT_FILTER_SKIP_STATS`: what costs most is not wanted. */
const SKIP_STATS = 8

/** The name that a message about a link tells. */
export function nameOf(reader: Reader, { start, end }: Message): string | undefined {
  walk.of(reader, start + 16, end)
  while (walk.next()) if (walk.type === IFLA.name) return reader.text(walk.start, walk.end)
  return undefined
}

const walk = new Attributes()

/** The names of all links. */
export function* linkNames(namespace: Namespace): Operation<Names> {
  const [answer] = (yield* dumpBytes(namespace, askNames(), 'list links')) as [Answer]
  return yield* readNames(answer)
}

/**
 * Everything there is of one sort, which tells of links, with their names: both are asked for in one go.
 *
 * @param write - writes the question
 * @param decoder - makes what reads a message, once the names are known
 * @throws `ERR_NETNS_INTERRUPTED` with `partial` if it kept changing while it was listed
 */
export function* dumpNamed<T>(
  namespace: Namespace,
  write: (request: Request) => void,
  decoder: (names: LinkNames) => Decode<T>,
  words: string
): Operation<T[]> {
  const { names, answer } = yield* dumpWithNames(namespace, write, words)
  const found = yield* decodeAll(answer.reader, decoder(names))
  if (answer.interrupted) throw interrupted(words, found)
  return found
}

/**
 * As {@link dumpNamed}, for whoever reads it themselves.
 *
 * @throws `ERR_NETNS_INTERRUPTED` if it kept changing while it was listed
 */
export function* dumpForFlush(
  namespace: Namespace,
  write: (request: Request) => void,
  words: string
): Operation<{ names: LinkNames; reader: Reader }> {
  const { names, answer } = yield* dumpWithNames(namespace, write, words)
  if (answer.interrupted) throw interrupted(words, [])
  return { names, reader: answer.reader }
}

function* dumpWithNames(
  namespace: Namespace,
  write: (request: Request) => void,
  words: string
): Operation<{ names: LinkNames; answer: Answer }> {
  const request = askNames()
  write(request)
  const [names, answer] = (yield* dumpBytes(namespace, request, words)) as [Answer, Answer]
  return { names: yield* readNames(names), answer }
}

function askNames(): Request {
  const request = Request.take().begin(LINK_MESSAGE.get, FLAG.dump)
  return request.linkHeader(0).attributeU32(IFLA.extMask, SKIP_STATS).end()
}

function* readNames({ reader, interrupted: partial }: Answer): Operation<LinkNames> {
  const names = new LinkNames()
  const walk = new Attributes()
  yield* decodeAll(reader, (_, { start, end }) => {
    const index = reader.u32(start + 4)
    walk.of(reader, start + 16, end)
    while (walk.next()) {
      if (walk.type === IFLA.name) names.set(index, reader.text(walk.start, walk.end))
      if (walk.type !== IFLA.properties) continue
      for (const property of reader.attributes(walk.start, walk.end)) {
        if (property.type === IFLA.altName) names.alternatives.set(reader.text(property.start, property.end), index)
      }
    }
    return undefined
  })
  if (partial) throw interrupted('list links', [...names.values()])
  return names
}
