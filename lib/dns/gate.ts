/** How many questions look-ups have under way: names come in thousands at once, and servers drop what they cannot keep. */

/** Plain Node has four look-ups under way, a socket's buffer holds some 270 questions, and dnsmasq takes 150. */
const MOST = 128

/** Lets so many through at once; who comes later waits, in the order of coming. */
export class Gate {
  #left = MOST
  readonly #waiting: (() => void)[] = []

  /** Whoever is let through has to {@link leave}. @returns nothing if that is at once */
  enter(): Promise<void> | undefined {
    if (this.#left > 0) {
      this.#left -= 1
      return undefined
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Lets the next one through. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#left += 1
    else next()
  }
}
