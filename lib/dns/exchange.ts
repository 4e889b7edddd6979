/** One try at a question: a message to a server, and what comes of it. */
import type { Question, Reply } from './wire.ts'

/** Who waits for an answer. Each method is called at most once, and never before the try was made. */
export interface Waiter {
  readonly question: Question
  /** What the question was sent with; whoever sends it says so. */
  id: number
  /** The server's answer; undefined if it is broken. */
  heard(reply: Reply | undefined): void
  /** The network's. */
  failed(error: Error): void
}

/** A try that is under way. */
export interface Exchange {
  /** Nothing came of it in time: what is asked from now on had better go another way. A late answer still counts. */
  distrust(): void
  /** The waiter hears nothing of it any more, and no socket stays for it. */
  close(waiter: Waiter): void
}

/** The addresses that queries are sent from, as `Resolver.setLocalAddress` has them. */
export interface LocalAddress {
  readonly 4?: string
  readonly 6?: string
}

/** A try whose socket could not be made: told afterwards, as every failure is. */
export function failing(waiter: Waiter, error: Error): Exchange {
  let closed = false
  process.nextTick(() => {
    if (!closed) waiter.failed(error)
  })
  return {
    distrust() {},
    close() {
      closed = true
    }
  }
}
