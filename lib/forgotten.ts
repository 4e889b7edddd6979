/** Objects that hold something open, and that nobody closed before they were forgotten. */

/** Closes what they hold some time after nothing refers to them any more. */
export class Forgotten<T extends WeakKey> {
  readonly #registry: FinalizationRegistry<number>
  readonly #heldBy: (object: T) => number | undefined
  /** Those of this turn. Most are closed before it ends, and to tell the collector about each is not cheap. */
  readonly #young: T[] = []
  #due = false

  /** @param heldBy - what an object holds, if it is open; `close` - closes that */
  constructor(heldBy: (object: T) => number | undefined, close: (held: number) => void) {
    this.#heldBy = heldBy
    this.#registry = new FinalizationRegistry(close)
  }

  /** From now on `object` may be forgotten. */
  expect(object: T): void {
    this.#young.push(object)
    if (this.#due) return
    this.#due = true
    void Promise.resolve().then(() => this.#register())
  }

  /** `object` is about to be closed. */
  dismiss(object: T): void {
    const young = this.#young
    if (young.length > 0 && young[young.length - 1] === object) young.pop()
    else this.#registry.unregister(object)
  }

  #register(): void {
    this.#due = false
    // Without an iterator, which a program may have replaced meanwhile: what is thrown here, nobody waits for.
    for (let object = this.#young.pop(); object !== undefined; object = this.#young.pop()) {
      const held = this.#heldBy(object)
      if (held !== undefined) this.#registry.register(object, held, object)
    }
  }
}
