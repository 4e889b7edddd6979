/** Many items of one sort in few datagrams, with a word on each that failed. */
import { refused } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { Request } from '../wire/request.ts'
import { exchange, Pace } from './transport.ts'

/** So many are sent at once: few enough that the kernel's lock and our thread are soon free again. */
const BATCH = 1024

/** How a call on many items went. */
export interface BulkResult {
  /** How many items took. */
  done: number
  /** Which did not, by their place in the iterable, and why. */
  failed: { item: number; error: Error & { code: string } }[]
}

/** How one item becomes a message, and how it is called in an error. */
export interface Bulk<T> {
  write(request: Request, item: T, label: string): void
  describe(item: T): string
}

/**
 * Sends one message for each item. An item that is refused, or whose arguments are wrong, does not stop those behind it.
 * While the kernel works on one batch, the next one is written.
 */
export async function sendAll<T>(namespace: Namespace, items: Iterable<T>, bulk: Bulk<T>): Promise<BulkResult> {
  const result: BulkResult = { done: 0, failed: [] }
  const pace = new Pace()
  let batch = new Batch<T>()
  let sent: Promise<void> | undefined
  let place = 0
  const dispatch = async () => {
    const full = batch
    batch = new Batch<T>()
    await sent
    sent = full.send(namespace, bulk, result)
    // It is awaited before the next one is sent, or at the end; until then a failure is not unhandled.
    sent.catch(() => undefined)
  }
  for (const item of items) {
    try {
      bulk.write(batch.request, item, `[${place}]`)
      batch.add(item, place)
    } catch (error) {
      batch.request.abandon()
      result.failed.push({ item: place, error: error as Error & { code: string } })
    }
    place++
    if (batch.items.length === BATCH) await dispatch()
    if (pace.due) await pace.giveWay()
  }
  if (batch.items.length > 0) await dispatch()
  await sent
  result.failed.sort((a, b) => a.item - b.item)
  return result
}

class Batch<T> {
  readonly request = new Request(0, 64 * 1024)
  readonly items: T[] = []
  #first = -1
  #gaps: number[] | undefined

  constructor() {
    this.request.acknowledgeLast = true
  }

  add(item: T, place: number): void {
    if (this.#first < 0) this.#first = place
    // Places are consecutive unless an item's arguments were wrong.
    if (place !== this.#first + this.items.length) this.#gaps ??= this.items.map((_, i) => this.#first + i)
    this.#gaps?.push(place)
    this.items.push(item)
  }

  async send(namespace: Namespace, bulk: Bulk<T>, result: BulkResult): Promise<void> {
    const { refusals } = await exchange(namespace, this.request)
    result.done += this.items.length - refusals.length
    for (const refusal of refusals) {
      const words = bulk.describe(this.items[refusal.item] as T)
      const item = this.#gaps?.[refusal.item] ?? this.#first + refusal.item
      result.failed.push({ item, error: refused(refusal, words) })
    }
  }
}
