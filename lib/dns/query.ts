/** A question put to servers, one after another, until one answers or the tries are used up. */
import { AsyncResource } from 'node:async_hooks'
import { setImmediate } from '../clock.ts'
import { Attempt, type Trying } from './attempt.ts'
import type { LocalAddress } from './exchange.ts'
import { failureOf } from './records.ts'
import type { Server } from './server.ts'
import { sendByTcp } from './tcp.ts'
import type { Datagrams } from './udp.ts'
import type { Question, Reply } from './wire.ts'

/** How to ask. */
export interface Plan {
  /** In the order to ask them. */
  readonly servers: readonly Server[]
  /** Milliseconds that the first try may take. */
  readonly timeout: number
  /** How often each server is asked. */
  readonly tries: number
  /** Whether each round takes twice as long as the last. */
  readonly backoff: boolean
  /** Milliseconds that no try takes longer than; 0 for no bound. */
  readonly maxTimeout: number
  /** Whether a server that only refers to others is followed by the next. */
  readonly skipsReferrals: boolean
  /** By TCP only. */
  readonly tcp: boolean
  readonly local: LocalAddress
  /** See {@link Datagrams.send}. */
  readonly network: unknown
}

/** Called with a code, or with an answer. */
export type Done = (code: string | undefined, reply?: Reply) => void

/** The longest delay of a timer. */
const LONGEST = 2 ** 31 - 1
/** These say that the server cannot help, not that the name does not exist: another may know. */
const EXCUSES: readonly (string | undefined)[] = ['ESERVFAIL', 'ENOTIMP', 'EREFUSED']

/** A question under way. `done` is called once, in the async context that made the query. */
export class Query extends AsyncResource implements Trying {
  /** As it is asked now. */
  question: Question
  readonly #plan: Plan
  readonly #datagrams: Datagrams
  readonly #done: Done
  /** The last one is waited for. */
  readonly #attempts: Attempt[] = []
  /** Servers that cannot help. They are asked no more. */
  readonly #helpless = new Set<Server>()
  #tried = 0
  #finished = false
  #lastFailure = 'ETIMEOUT'
  /** What the first server that could not help said. */
  #excuse: string | undefined

  constructor(plan: Plan, question: Question, datagrams: Datagrams, done: Done) {
    super('NETNS_DNS_QUERY')
    this.question = question
    this.#plan = plan
    this.#datagrams = datagrams
    this.#done = done
    // Node has no name for c-ares's ARES_ENOSERVER.
    if (plan.servers.length === 0) this.#lastFailure = 'UNKNOWN_ARES_ERROR'
    this.#next()
  }

  /** Whether its end is known, though it may not have been told yet. */
  get finished(): boolean {
    return this.#finished
  }

  /** Ends it with `code`, soon. */
  abort(code: string): void {
    this.#fail(code)
  }

  /** Of its tries. */
  heard(attempt: Attempt, reply: Reply | undefined): void {
    if (!this.#finished) this.runInAsyncScope(this.#judge, this, attempt, reply)
  }

  /** Of its tries. */
  failed(attempt: Attempt, error: Error): void {
    if (!this.#finished) this.runInAsyncScope(this.#refused, this, attempt, error)
  }

  /** Of its last try. */
  expired(): void {
    this.runInAsyncScope(this.#giveUp, this, 'ETIMEOUT')
  }

  #next(): void {
    const { servers, tries } = this.#plan
    while (this.#tried < servers.length * tries) {
      const server = servers[this.#tried % servers.length] as Server
      const round = Math.floor(this.#tried / servers.length)
      this.#tried += 1
      if (this.#helpless.has(server)) continue
      this.#attempt(server, this.#patience(round), this.#plan.tcp || isScoped(server))
      return
    }
    this.#fail(this.#excuse ?? this.#lastFailure)
  }

  #attempt(server: Server, patience: number, tcp: boolean): void {
    this.#attempts.at(-1)?.rest()
    const { local, network } = this.#plan
    const attempt = new Attempt(this, server, patience, tcp)
    this.#attempts.push(attempt)
    attempt.start(
      tcp
        ? (waiter) => sendByTcp(server, local, waiter)
        : (waiter) => this.#datagrams.send(server, local, network, waiter)
    )
  }

  #judge(attempt: Attempt, reply: Reply | undefined): void {
    if (reply?.truncated === true && !attempt.tcp) {
      this.#attempt(attempt.server, attempt.patience, true)
      return
    }
    const code = reply === undefined ? 'EBADRESP' : failureOf(reply)
    const { plain } = attempt.question
    if (code === 'EFORMERR' && plain !== undefined) {
      // RFC 6891 §6.2.2: the server may be older than that.
      this.question = plain
      const isAsked = this.#attempts.some(({ server, question }) => server === attempt.server && question === plain)
      if (!isAsked) this.#attempt(attempt.server, attempt.patience, attempt.tcp)
      return
    }
    const isExcuse = EXCUSES.includes(code)
    if (reply !== undefined && !isExcuse && !(reply.referral && this.#plan.skipsReferrals)) {
      this.#end(code, reply)
      return
    }
    if (isExcuse) this.#excuse ??= code
    if (reply !== undefined) this.#helpless.add(attempt.server)
    // One that came late says nothing of a server that is being asked now.
    if (this.#isLast(attempt) || this.#helpless.has(this.#attempts.at(-1)?.server as Server))
      this.#giveUp(code ?? 'EBADRESP')
  }

  #refused(attempt: Attempt, error: NodeJS.ErrnoException): void {
    // Our own errors (a closed namespace) are no matter of which server is asked.
    if (error.code?.startsWith('ERR_')) this.#fail(error.code)
    else if (this.#isLast(attempt)) this.#giveUp('ECONNREFUSED')
  }

  #isLast(attempt: Attempt): boolean {
    return this.#attempts.at(-1) === attempt
  }

  #giveUp(code: string): void {
    this.#lastFailure = code
    this.#next()
  }

  #patience(round: number): number {
    const { timeout, backoff, maxTimeout } = this.#plan
    const wanted = backoff ? timeout * 2 ** Math.min(round, 30) : timeout
    return Math.min(wanted, maxTimeout > 0 ? maxTimeout : LONGEST, LONGEST)
  }

  #fail(code: string): void {
    if (!this.#finished) this.runInAsyncScope(this.#end, this, code)
  }

  /**
   * Told in a turn of its own, as Node does: what the callback throws must not keep other questions from theirs, and of
   * answers that came in together the next questions go out together, or a server would be woken for each.
   */
  #end(code: string | undefined, reply?: Reply): void {
    this.#finished = true
    for (const attempt of this.#attempts) attempt.close()
    setImmediate(this.#done, code, reply)
  }
}

/**
 * Whether it is on a link that its address names. Datagrams from there tell whom they are from by the name of that link,
 * which the thread does not have at home, so that Node drops them.
 */
function isScoped(server: Server): boolean {
  return server.address.includes('%')
}
