/** Long work in slices that leave the event loop free, however many tasks are at it. */
import { monotonic, setImmediate } from '../clock.ts'

/** So much of one turn of the event loop, in milliseconds, all tasks together take before others have theirs. */
const SLICE = 0.2
/** Looking at the clock should cost little of the time between two looks, in milliseconds. */
const CLOSE = SLICE / 4
/** But it is looked at once in so many items at least. */
const LONGEST_STRIDE = 64

/** Those that gave way: one goes on in each turn. */
const waiting: (() => void)[] = []
/** When work began in this turn. */
let began: number | undefined
let ending = false

function endTurn(): void {
  ending = false
  began = undefined
  const next = waiting.shift()
  if (next === undefined) return
  begin(monotonic())
  next()
}

function begin(now: number): void {
  began = now
  if (ending) return
  ending = true
  setImmediate(endTurn)
}

/** One task's look at the clock of the turn. */
export class Pace {
  #stride = 1
  #count = 0
  #last = 0

  /** Whether it is time to let others have a turn. Asked after each item. */
  get due(): boolean {
    if (++this.#count < this.#stride) return false
    this.#count = 0
    const now = monotonic()
    const close = now - this.#last < CLOSE
    this.#last = now
    // The first items run code that is not compiled yet, and items differ.
    this.#stride = close ? Math.min(this.#stride * 2, LONGEST_STRIDE) : Math.max(this.#stride >> 1, 1)
    if (began === undefined) begin(now)
    return now - (began as number) > SLICE
  }

  /** To be awaited when a task is done: whoever goes on with its result would add to what was taken of this turn. */
  async done(): Promise<void> {
    if (began !== undefined && monotonic() - began > SLICE / 2) await this.giveWay()
  }

  /** Lets others have a turn. */
  giveWay(): Promise<void> {
    return new Promise((resolve) => {
      waiting.push(resolve)
      if (began === undefined) begin(monotonic())
    })
  }
}

/** Does something with each item, in slices. */
export async function forEach<T>(items: Iterable<T>, visit: (item: T) => void): Promise<void> {
  const pace = new Pace()
  for (const item of items) {
    visit(item)
    if (pace.due) await pace.giveWay()
  }
  await pace.done()
}
