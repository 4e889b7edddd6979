/** Deleting what a dump told of: the kernel takes its own words back, with another type. */
import type { Namespace } from '../namespace.ts'
import { Attributes, type Message, messageAt, noMessage, type Reader } from '../wire/reader.ts'
import type { Request } from '../wire/request.ts'
import { sendAll } from './bulk.ts'
import type { Operation } from './operation.ts'

/** The length of `struct nlmsghdr`. */
const HEADER = 16

/** How one sort is deleted. */
export interface Flush {
  /** The type that says "delete". */
  type: number
  /** How long the header is behind which the attributes begin. */
  header: number
  /** Attributes that are told, but not taken. */
  omitted: ReadonlySet<number>
  /** The code that says that something was gone already. */
  gone: string
  /** In an error. */
  describe(reader: Reader, message: Message): string
}

const walk = new Attributes()

/**
 * Deletes what the messages of a reply tell of, those that begin at `starts`.
 *
 * @returns how many of them were there
 */
export function* flushAll(
  namespace: Namespace,
  reader: Reader,
  starts: readonly number[],
  flush: Flush
): Operation<number> {
  const { done, failed } = yield* sendAll(namespace, starts, {
    one: 'message',
    many: 'messages',
    write: (request, start) => writeBack(request, reader, start, flush),
    describe: (start) => {
      const message = noMessage()
      messageAt(reader, start - HEADER, message)
      return flush.describe(reader, message)
    }
  })
  const other = failed.find(({ error }) => error.code !== flush.gone)
  if (other !== undefined) throw other.error
  return done
}

function writeBack(request: Request, reader: Reader, start: number, { type, header, omitted }: Flush): void {
  const end = start - HEADER + reader.u32(start - HEADER)
  request.begin(type, 0).copy(reader.bytes, start, start + header)
  walk.of(reader, start + header, end)
  while (walk.next()) {
    if (!omitted.has(walk.type)) request.copy(reader.bytes, walk.start - 4, walk.end).pad()
  }
  request.end()
}
