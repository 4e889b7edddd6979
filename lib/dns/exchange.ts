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
  /** The waiter hears nothing of it any more, and no socket stays for it. */
  close(waiter: Waiter): void
}

/** The addresses that queries are sent from, as `Resolver.setLocalAddress` has them. */
export interface LocalAddress {
  readonly 4?: string
  readonly 6?: string
}
