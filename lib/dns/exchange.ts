/** One try at a question: a message to a server, and what comes of it. */
import type { Question, Reply } from './wire.ts'

/** Who waits for an answer. Each method is called at most once, and never before the try was made. */
export interface Waiter {
  readonly question: Question
  /** The server's answer; undefined if it is broken. */
  heard(reply: Reply | undefined): void
  /** The network's. */
  failed(error: Error): void
}

/** A try that is under way. */
export interface Exchange {
  /** Nothing is heard of it any more, and no socket of it stays. */
  close(): void
}

/** The addresses that queries are sent from, as `Resolver.setLocalAddress` has them. */
export interface LocalAddress {
  readonly 4?: string
  readonly 6?: string
}
