/** Requests that depend on each other, to several namespaces in turn, in one go. */
import type { Namespace } from '../namespace.ts'
import { attemptAsync } from '../native.ts'
import { Request } from '../wire/request.ts'
import { released } from './transport.ts'

/** Messages in the order in which they are sent, and whom to. */
export class Steps {
  /** What is written to it belongs to the next step. Of each step only the last message is acknowledged. */
  readonly request = Request.take()
  readonly #namespaces: Namespace[] = []
  readonly #ends: number[] = []
  #end = 0

  constructor() {
    this.request.acknowledgeLast = true
  }

  /** What was written since the last step goes to this namespace. */
  end(namespace: Namespace): void {
    const { length } = this.request
    if (length === this.#end) return
    this.#end = length
    this.#namespaces.push(namespace)
    this.#ends.push(length)
  }

  /** Once: sends the steps until one is refused something: its answer is the last one then, and `sent` its place from 1. */
  exchange() {
    const held = this.#namespaces.some((namespace) => released(namespace) !== undefined)
    return held ? this.#exchangeLate() : this.#send()
  }

  async #exchangeLate() {
    for (const namespace of this.#namespaces) await released(namespace)
    return this.#send()
  }

  #send() {
    return attemptAsync((native) => {
      const handles = this.#namespaces.map(({ handle }) => handle)
      const reply = native.netlinkInOrder(handles, this.#ends, this.request.toNative())
      this.request.release()
      return reply
    })
  }
}
