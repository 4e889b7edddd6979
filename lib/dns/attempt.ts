/** A try of a query: one server is asked once. */
import { Line, type Waiting } from './deadlines.ts'
import type { Exchange, Waiter } from './exchange.ts'
import type { Server } from './server.ts'
import type { Question, Reply } from './wire.ts'

/** Whose tries they are. Each method is called in whatever context. */
export interface Trying {
  readonly question: Question
  heard(attempt: Attempt, reply: Reply | undefined): void
  failed(attempt: Attempt, error: Error): void
  expired(): void
}

/** See the module. A refusal or a broken answer ends a try; a late answer still counts while later ones are made. */
export class Attempt implements Waiter, Waiting {
  readonly question: Question
  readonly server: Server
  /** Milliseconds. */
  readonly patience: number
  readonly tcp: boolean
  id = 0
  readonly #query: Trying
  #line: Line | undefined
  #exchange: Exchange | undefined
  #settled = false

  constructor(query: Trying, server: Server, patience: number, tcp: boolean) {
    this.#query = query
    this.question = query.question
    this.server = server
    this.patience = patience
    this.tcp = tcp
  }

  /** Makes it, by what `send` does. */
  start(send: (attempt: Attempt) => Exchange): void {
    this.#line = Line.of(this.patience)
    this.#line.set(this)
    try {
      this.#exchange = send(this)
    } catch (error) {
      // No socket at all: thrown from a timer it would end the process instead of the query.
      this.failed(error as Error)
    }
  }

  heard(reply: Reply | undefined): void {
    if (this.#settled) return
    this.#settled = true
    this.#query.heard(this, reply)
  }

  failed(error: Error): void {
    if (this.#settled) return
    this.#settled = true
    this.#query.failed(this, error)
  }

  expire(): void {
    this.#exchange?.distrust()
    this.#query.expired()
  }

  /** Nobody waits for it any more, though what it hears still counts. */
  rest(): void {
    this.#line?.lift(this)
  }

  /** It is over. */
  close(): void {
    this.rest()
    this.#exchange?.close(this)
  }
}
