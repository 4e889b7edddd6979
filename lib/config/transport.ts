/** Requests go out and replies come back, in slices that leave the event loop free. */
import type { Namespace } from '../namespace.ts'
import { type Answer, accepted, answerOf, type Given, NONE } from '../wire/answer.ts'
import { after, type Message, messageAt, noMessage, Reader } from '../wire/reader.ts'
import type { Request } from '../wire/request.ts'
import { interrupted } from './errors.ts'
import { type Ask, ask, finish, giveWay, type Operation, pacing } from './operation.ts'

/** Reads a message, or says that it is none of the caller's. */
export type Decode<T> = (reader: Reader, message: Message) => T | undefined

/** Where answers on this thread go. Few are longer than that of a link, which is 1,500 bytes. */
const room = Buffer.alloc(16 * 1024)
const roomReader = new Reader(room)

/** How many bytes of the room the messages take; more only if there is no room or not everything went well. */
type GivenHere = number | Given

function answerIn(given: GivenHere): Answer {
  // Behind the messages in the room there are zeros, which are no message.
  return typeof given === 'number' ? { reader: roomReader, refusals: NONE } : answerOf(given)
}

/** Changes to a namespace that are held back, as a monitor is still finding out how it was when it was asked for. */
interface Hold {
  over: Promise<void>
  /** Whose questions are under way. */
  by: Namespace[]
}

/** By inode. */
const held = new Map<number, Hold>()

/** Holds back this process's changes to a namespace, so that a monitor asked for before them tells of them. */
export function holdChanges(namespace: Namespace, until: Promise<void>): void {
  const { inode } = namespace
  const before = held.get(inode)
  const over: Promise<void> = Promise.allSettled([before?.over, until]).then(() => {
    if (held.get(inode)?.over === over) held.delete(inode)
  })
  held.set(inode, { over, by: [...(before?.by ?? []), namespace] })
}

/**
 * Waits while changes to a namespace are held back. What is to be found out first is with other threads, which wait for
 * nobody.
 */
export function* release(namespace: Namespace): Operation<void> {
  if (held.size === 0) return
  yield* ask<void>(
    (native) => {
      for (const by of held.get(namespace.inode)?.by ?? []) if (!by.closed) native.netlinkSettle(by.slot)
    },
    async () => {
      while (held.has(namespace.inode)) await held.get(namespace.inode)?.over
    }
  )
}

/** Sends messages; refusals are part of the answer. The request must not be used any more. */
export function exchange(namespace: Namespace, request: Request): Operation<Answer> {
  return exchangeInOrder(request.to(namespace))
}

/**
 * As {@link exchange}, to one recipient of the request after the other, until something is refused. What earlier messages
 * make can be the subject of later ones. The answers are those of the last recipient.
 */
export function* exchangeInOrder(request: Request): Operation<Answer> {
  if (held.size > 0) for (const namespace of request.concerned) yield* release(namespace)
  const question: Ask<GivenHere> = {
    now: (native) => request.spent(native.netlinkExchangeSync(request.plan, request.bytes, request.names, room)),
    later: (native) => request.spent(native.netlinkExchange(request.plan, request.bytes, request.names, false))
  }
  return answerIn((yield question) as GivenHere)
}

/** What is to be {@link answered}. */
export interface Queued {
  given: GivenHere | Promise<Given>
}

/**
 * As {@link exchange}, after the answers to all that was sent by it before, for one request after the other without
 * waiting. The request can be used again afterwards.
 */
export function* exchangeQueued(namespace: Namespace, request: Request): Operation<Queued> {
  request.to(namespace)
  yield* release(namespace)
  return yield* ask<Queued>(
    (native) => ({ given: native.netlinkExchangeSync(request.plan, request.bytes, request.names, room) }),
    (native) => {
      const given = native.netlinkExchange(request.plan, request.bytes, request.names, true)
      // It is awaited sooner or later; until then a failure is not unhandled.
      given.catch(() => undefined)
      return { given }
    }
  )
}

/** Waits for the answer. */
export function* answered({ given }: Queued): Operation<Answer> {
  return answerIn(
    yield* ask<GivenHere>(
      () => given as GivenHere,
      () => given
    )
  )
}

/**
 * Sends messages; the first refusal is thrown.
 *
 * @param words - what is attempted, as in 'add route 10.0.0.0/8'
 */
export function* change(namespace: Namespace, request: Request, words: string): Operation<Reader> {
  return accepted(yield* exchange(namespace, request), words).reader
}

/**
 * Everything there is of one sort. The question is on its way when this returns.
 *
 * @throws `ERR_NETNS_INTERRUPTED` with `partial` if it kept changing while it was listed
 */
export function* dump<T>(namespace: Namespace, request: Request, decode: Decode<T>, words: string): Operation<T[]> {
  const [answer] = (yield* dumpBytes(namespace, request, words)) as [Answer]
  const found = yield* decodeAll(answer.reader, decode)
  if (answer.interrupted) throw interrupted(words, found)
  return found
}

/** As {@link dump}, for whoever reads it later; each message of the request asks for one sort. */
export function* dumpBytes(namespace: Namespace, request: Request, words: string): Operation<Answer[]> {
  request.to(namespace)
  const answers = yield* ask<Given[]>(
    (native) => request.spent(native.netlinkDumpSync(request.plan, request.bytes, request.names)),
    (native) => request.spent(native.netlinkDump(request.plan, request.bytes, request.names))
  )
  return answers.map((given) => accepted(answerOf(given), words))
}

/** Reads every message; off the thread's other work in slices. */
export function* decodeAll<T>(reader: Reader, decode: Decode<T>): Operation<T[]> {
  const found: T[] = []
  const pace = yield* pacing()
  // By hand and with one object for all: a generator would take a fifth of the time for a list of ten thousands.
  const message = noMessage()
  while (messageAt(reader, after(message), message)) {
    const value = decode(reader, message)
    if (value !== undefined) found.push(value)
    if (pace?.due) yield* giveWay(pace)
  }
  if (pace !== undefined) yield* finish(pace)
  return found
}

/** Reads the first message that `decode` takes. */
export function decodeFirst<T>(reader: Reader, decode: Decode<T>): T | undefined {
  const message = noMessage()
  while (messageAt(reader, after(message), message)) {
    const value = decode(reader, message)
    if (value !== undefined) return value
  }
  return undefined
}
