/** Many items of one sort in few datagrams, with a word on each that failed. */

import type { Namespace } from '../namespace.ts'
import { type Refusal, refused } from '../wire/errors.ts'
import { FLAG, PROTOCOL, Request } from '../wire/request.ts'
import { isIterable } from './check.ts'
import { withoutStack } from './errors.ts'
import { finish, giveWay, type Operation, pacing } from './operation.ts'
import type { Pace } from './pace.ts'
import { answered, change, exchangeQueued, type Queued } from './transport.ts'

/** So many are sent at once: few enough that the kernel's lock and our thread are soon free again. */
const BATCH = 512
/** The first batch is smaller, so that the kernel has something to do while the others are written. */
const FIRST = 64
/** So many batches are with the kernel or wait for it: it must not run out of work while this thread is busy. */
const AHEAD = 2

/** How a call on many items went. */
export interface BulkResult {
  /** How many items took. */
  done: number
  /** Which did not, by their place in the iterable, and why. */
  failed: { item: number; error: Error & { code: string } }[]
}

/** An item that did not take. */
type Failed = BulkResult['failed'][number]

/** How one item becomes a message, and how it is called in an error. */
export interface Bulk<T> {
  /** What one item is called as an argument, and what many are. */
  one: string
  many: string
  /** Throws if something is wrong with the item, which is called `label` then. `flags` are more than the message's own. */
  write(request: Request, item: T, label: string, flags: number): void
  /** What is attempted, for an error. */
  describe(item: T): string
}

/** Sends one item, whose refusal is thrown, or many, which are told of. */
export function* send<T extends object>(
  namespace: Namespace,
  items: T | Iterable<T>,
  bulk: Bulk<T>
): Operation<BulkResult | undefined> {
  if (isIterable(items)) return yield* sendAll(namespace, items, bulk)
  const request = Request.take()
  bulk.write(request, items, bulk.one, FLAG.ack)
  yield* change(namespace, request, bulk.describe(items))
  return undefined
}

/**
 * Sends one message for each item. An item that is refused, or whose arguments are wrong, does not stop those behind it.
 * While the kernel works on some batches off this thread, the next one is written.
 */
export function* sendAll<T>(namespace: Namespace, items: Iterable<T>, bulk: Bulk<T>): Operation<BulkResult> {
  const wrong: Failed[] = []
  const told: Failed[] = []
  let done = 0
  const request = new Request(PROTOCOL.route, 64 * 1024)
  request.acknowledgeLast = true
  const pace = yield* pacing()
  const underWay: Dispatched<T>[] = []
  let batch: Batch<T> = { items: [], places: [] }
  let size = FIRST
  let place = 0
  for (const item of items) {
    try {
      write(request, item, place, bulk)
      batch.items.push(item)
      batch.places.push(place)
    } catch (error) {
      request.abandon()
      wrong.push({ item: place, error: error as Error & { code: string } })
    }
    place++
    if (batch.items.length === size) {
      if (underWay.length === AHEAD) done += yield* report(underWay.shift() as Dispatched<T>, bulk, told, pace)
      underWay.push({ batch, sent: yield* exchangeQueued(namespace, request) })
      batch = { items: [], places: [] }
      size = Math.min(BATCH, size * 2)
      request.clear()
      request.acknowledgeLast = true
    }
    if (pace?.due) yield* giveWay(pace)
  }
  if (batch.items.length > 0) underWay.push({ batch, sent: yield* exchangeQueued(namespace, request) })
  for (const dispatched of underWay) done += yield* report(dispatched, bulk, told, pace)
  const failed = yield* merged(wrong, told, pace)
  if (pace !== undefined) yield* finish(pace)
  return { done, failed }
}

/** Those of two lists in the order of their places, which each of them has. */
function* merged(one: Failed[], other: Failed[], pace: Pace | undefined): Operation<Failed[]> {
  if (one.length === 0 || other.length === 0) return one.length === 0 ? other : one
  const all: Failed[] = []
  let [i, j] = [0, 0]
  while (i < one.length || j < other.length) {
    const first = (one[i]?.item ?? Number.POSITIVE_INFINITY) < (other[j]?.item ?? Number.POSITIVE_INFINITY)
    all.push((first ? one[i++] : other[j++]) as Failed)
    if (pace?.due) yield* giveWay(pace)
  }
  return all
}

/** What one request is about. */
interface Batch<T> {
  items: T[]
  /** Where in the iterable each of them was. */
  places: number[]
}

/** A batch that was sent. */
interface Dispatched<T> {
  batch: Batch<T>
  sent: Queued
}

/** The name of each property of ten thousands of items is not worth making, unless one of them is wrong. */
function write<T>(request: Request, item: T, place: number, bulk: Bulk<T>): void {
  try {
    bulk.write(request, item, '', 0)
  } catch {
    request.abandon()
    withoutStack(() => bulk.write(request, item, `${bulk.many}[${place}]`, 0))
  }
}

/** Tells what was refused, in the order of the batch; returns how many took. */
function* report<T>(
  { batch, sent }: Dispatched<T>,
  bulk: Bulk<T>,
  failed: Failed[],
  pace: Pace | undefined
): Operation<number> {
  const { refusals } = yield* answered(sent)
  const reasons: Refusal[] = []
  for (const refusal of refusals) for (const item of refusal.items) reasons[item] = refusal
  let done = batch.items.length
  for (let item = 0; item < reasons.length; item++) {
    const refusal = reasons[item]
    if (refusal === undefined) continue
    done--
    const words = bulk.describe(batch.items[item] as T)
    failed.push({ item: batch.places[item] as number, error: withoutStack(() => refused(refusal, words)) })
    if (pace?.due) yield* giveWay(pace)
  }
  return done
}
