/** Requests go out and replies come back, in slices that leave the event loop free. */

import type { Namespace } from '../namespace.ts'
import { attempt, attemptAsync } from '../native.ts'
import { after, type Message, messageAt, noMessage, Reader } from '../wire/reader.ts'
import type { Request } from '../wire/request.ts'
import { interrupted, type Refusal, refused } from './errors.ts'
import { Pace } from './pace.ts'

/** Reads a message, or says that it is none of the caller's. */
export type Decode<T> = (reader: Reader, message: Message) => T | undefined

/** What the kernel said to a request. */
export interface Answer {
  reader: Reader
  refusals: Refusal[]
}

/** Namespaces, by inode, of which a monitor is still finding out how they were when it was asked for. */
const held = new Map<number, Promise<void>>()

/** Holds back this process's changes to a namespace, so that a monitor asked for before them tells of them. */
export function holdChanges(namespace: Namespace, until: Promise<void>): void {
  const { inode } = namespace
  const hold: Promise<void> = Promise.allSettled([held.get(inode), until]).then(() => {
    if (held.get(inode) === hold) held.delete(inode)
  })
  held.set(inode, hold)
}

/** Sends messages; refusals are part of the answer. */
export async function exchange(namespace: Namespace, request: Request): Promise<Answer> {
  const free = released(namespace)
  if (free !== undefined) await free
  return send(namespace, request, false)
}

/**
 * As {@link exchange}, after the answers to all that was sent by it before, for one request after the other without
 * waiting. The request can be used again as soon as this returns, unless changes are held back: see {@link released}.
 */
export function exchangeQueued(namespace: Namespace, request: Request): Promise<Answer> {
  return send(namespace, request, true)
}

/** Waits while changes to a namespace are held back; nothing to wait for if they are not. */
export function released(namespace: Namespace): Promise<void> | undefined {
  return held.size > 0 && held.has(namespace.inode) ? waitReleased(namespace) : undefined
}

async function waitReleased(namespace: Namespace): Promise<void> {
  while (held.has(namespace.inode)) await held.get(namespace.inode)
}

async function send(namespace: Namespace, request: Request, ordered: boolean): Promise<Answer> {
  const reply = await attemptAsync((native) => native.netlinkExchange(namespace.handle, request.toNative(), ordered))
  return { reader: new Reader(reply.data), refusals: reply.refusals }
}

/**
 * Sends messages; the first refusal is thrown.
 *
 * @param words - what is attempted, as in 'add route 10.0.0.0/8'
 */
export async function change(namespace: Namespace, request: Request, words: string): Promise<Reader> {
  const answer = await exchange(namespace, request)
  const refusal = answer.refusals[0]
  if (refusal !== undefined) throw refused(refusal, words)
  return answer.reader
}

/** As {@link change}, on this thread, for what the kernel answers at once. */
export function changeSync(namespace: Namespace, request: Request, words: string): Reader {
  const reply = attempt((native) => native.netlinkExchangeSync(namespace.handle, request.toNative()))
  const refusal = reply.refusals[0]
  if (refusal !== undefined) throw refused(refusal, words)
  return new Reader(reply.data)
}

/**
 * Everything there is of one sort. The question is on its way when this returns.
 *
 * @throws `ERR_NETNS_INTERRUPTED` with `partial` if it kept changing while it was listed
 */
export async function dump<T>(namespace: Namespace, request: Request, decode: Decode<T>, words: string): Promise<T[]> {
  const [answer] = (await dumpBytes(namespace, [request], words)) as [DumpAnswer]
  const found = await decodeAll(answer.reader, decode)
  if (answer.interrupted) throw interrupted(words, found)
  return found
}

/** Everything there is of one sort, still to be read. */
export interface DumpAnswer {
  reader: Reader
  /** It may have gaps. */
  interrupted: boolean
}

/** As {@link dump}, for whoever reads it later; several are asked for one after the other. */
export async function dumpBytes(
  namespace: Namespace,
  requests: readonly Request[],
  words: string
): Promise<DumpAnswer[]> {
  const replies = await attemptAsync((native) =>
    native.netlinkDump(
      namespace.handle,
      requests.map((request) => request.toNative())
    )
  )
  return replies.map((reply) => {
    const refusal = reply.refusals[0]
    if (refusal !== undefined) throw refused(refusal, words)
    return { reader: new Reader(reply.data), interrupted: reply.interrupted }
  })
}

/** Reads every message, in slices. */
export async function decodeAll<T>(reader: Reader, decode: Decode<T>): Promise<T[]> {
  const found: T[] = []
  const pace = new Pace()
  // By hand and with one object for all: a generator would take a fifth of the time for a list of ten thousands.
  const message = noMessage()
  while (messageAt(reader, after(message), message)) {
    const value = decode(reader, message)
    if (value !== undefined) found.push(value)
    if (pace.due) await pace.giveWay()
  }
  await pace.done()
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
