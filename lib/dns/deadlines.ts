/** Deadlines, of which hardly one is ever reached: all that are equally long share one of Node's timers. */
import { monotonic, setImmediate, setTimeout } from '../clock.ts'

/** Who has one. */
export interface Waiting {
  /** The time is up. Must not throw. */
  expire(): void
}

const lines = new Map<number, Line>()

/** Deadlines of one length. Until the last is reached or lifted, the process stays alive. */
export class Line {
  readonly #milliseconds: number
  /** When each is reached, soonest first. */
  readonly #due = new Map<Waiting, number>()
  #timer: NodeJS.Timeout | undefined

  private constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  /** The line of all deadlines that are so many milliseconds away. */
  static of(milliseconds: number): Line {
    let line = lines.get(milliseconds)
    if (line === undefined) {
      line = new Line(milliseconds)
      lines.set(milliseconds, line)
    }
    return line
  }

  /** Sets a deadline, from now on. */
  set(waiting: Waiting): void {
    this.#due.set(waiting, monotonic() + this.#milliseconds)
    if (this.#timer === undefined) this.#look(this.#milliseconds)
    else if (this.#due.size === 1) this.#timer.ref()
  }

  /** Lifts a deadline; nothing happens if it has been reached. */
  lift(waiting: Waiting): void {
    // The timer stays, as the next question is likely to come before it is due.
    if (this.#due.delete(waiting) && this.#due.size === 0) this.#timer?.unref()
  }

  #look(milliseconds: number): void {
    // One turn later: Node looks at timers first, and where the loop was busy the answer may have been there for long.
    this.#timer = setTimeout(() => setImmediate(() => this.#expire()), milliseconds)
  }

  #expire(): void {
    const now = monotonic()
    for (const [waiting, due] of this.#due) {
      if (due > now) {
        this.#look(Math.ceil(due - now))
        return
      }
      this.#due.delete(waiting)
      waiting.expire()
    }
    this.#timer = undefined
    lines.delete(this.#milliseconds)
  }
}
