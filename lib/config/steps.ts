/** Requests that depend on each other, to several namespaces in turn, in one go. */
import type { Namespace } from '../namespace.ts'
import { Request } from '../wire/request.ts'
import { ask, type Operation } from './operation.ts'
import { type Answer, answerOf, type Given, isHeld, release } from './transport.ts'

/** The answer to the last step that was sent, and its place from 1. */
interface LastAnswer extends Answer {
  sent: number
}

/** Messages in the order in which they are sent, and whom to. */
export class Steps {
  /** What is written to it belongs to the next step. Of each step only the last message is acknowledged. */
  readonly request = Request.take()
  readonly #namespaces: Namespace[] = []
  readonly #ends: number[] = []

  constructor() {
    this.request.acknowledgeLast = true
  }

  /** What was written since the last step goes to this namespace. */
  end(namespace: Namespace): void {
    const { length } = this.request
    if (length === (this.#ends.at(-1) ?? 0)) return
    this.#namespaces.push(namespace)
    this.#ends.push(length)
  }

  /** Once: sends the steps until one is refused something. */
  *exchange(): Operation<LastAnswer> {
    const { request } = this
    for (const namespace of this.#namespaces) if (isHeld(namespace)) yield* release(namespace)
    // The slots are asked for now: that of one that was closed meanwhile may be another's.
    const steps = new Uint32Array(this.#ends.length * 2)
    for (let i = 0; i < this.#ends.length; i++) {
      steps[2 * i] = (this.#namespaces[i] as Namespace).slot
      steps[2 * i + 1] = this.#ends[i] as number
    }
    const given = yield* ask<Given>(
      (native) => request.spent(native.netlinkInOrderSync(steps, request.plan, request.bytes, request.names)),
      (native) => request.spent(native.netlinkInOrder(steps, request.plan, request.bytes, request.names))
    )
    const { reader, refusals } = answerOf(given)
    return { reader, refusals, sent: 'refusals' in given ? given.sent : this.#namespaces.length }
  }
}
