/** Whom messages are for, and what native code fills in when it sends them. */
import type { Namespace } from '../namespace.ts'

/** What native code puts in. */
export enum BLANK {
  link = 0,
  peer = 1,
  namespace = 2
}

/** Where the numbers of a plan have what. */
enum PLACE {
  protocol = 0,
  length = 1,
  last = 2,
  stepCount = 3,
  blankCount = 4,
  steps = 5,
  blanks = 11
}

/** Numbers and names, as each object or property that is handed to native code costs a crossing. */
export class Plan {
  /** Whom the messages are for, each in turn. */
  recipients: Namespace[] = []
  /** The links that blanks are about, each once, with NULs between them. */
  names = ''
  #numbers = new Uint32Array(PLACE.blanks + 12)
  /** Where the next blank is told of. */
  #next: number = PLACE.blanks
  /** Of each blank that is a namespace's, in their order. */
  #namespaces: Namespace[] = []
  /** The numbers of {@link names}, once there are two. */
  #known: Map<string, number> | undefined

  /** Whom the messages are for, and whom they tell of: all that they change. */
  get concerned(): Namespace[] {
    return [...this.recipients, ...this.#namespaces]
  }

  /**
   * The protocol, how many bytes there are, whether one acknowledgement stands for many messages, how many recipients
   * there are, and how many numbers tell of blanks; two numbers for each of up to three recipients, its slot and where
   * what is for it ends; three numbers for each blank: its sort, where it is, and the number of its name or the slot of
   * its namespace.
   *
   * @throws `ERR_NETNS_CLOSED` if one of the namespaces is closed by now
   */
  numbers(protocol: number, length: number, acknowledgeLast: boolean): Uint32Array {
    const numbers = this.#numbers
    const { recipients } = this
    numbers[PLACE.protocol] = protocol
    numbers[PLACE.length] = length
    numbers[PLACE.last] = acknowledgeLast ? 1 : 0
    numbers[PLACE.stepCount] = recipients.length
    numbers[PLACE.blankCount] = this.#next - PLACE.blanks
    // Not before: a slot is another namespace's soon after its own was closed.
    for (let i = 0; i < recipients.length; i++) numbers[PLACE.steps + i * 2] = (recipients[i] as Namespace).slot
    for (let i = 0, at: number = PLACE.blanks; i < this.#namespaces.length; at += 3) {
      if (numbers[at] === BLANK.namespace) numbers[at + 2] = (this.#namespaces[i++] as Namespace).slot
    }
    return numbers
  }

  /** What was written since the last time, up to `end`, is for this namespace; nothing was, perhaps. Three times at most. */
  to(namespace: Namespace, end: number): void {
    const at = PLACE.steps + this.recipients.length * 2
    if (end === (at === PLACE.steps ? 0 : this.#numbers[at - 1])) return
    this.recipients.push(namespace)
    this.#numbers[at + 1] = end
  }

  /** Has the index of a link filled in at `at`, or that of its other end. */
  link(sort: BLANK.link | BLANK.peer, at: number, name: string): void {
    this.#blank(sort, at, this.#numberOf(name))
  }

  /** Has the descriptor of a namespace filled in at `at`. */
  namespace(at: number, namespace: Namespace): void {
    this.#namespaces.push(namespace)
    this.#blank(BLANK.namespace, at, 0)
  }

  /** Forgets what is to be filled in from `start` on. Names that nothing refers to any more do no harm. */
  abandon(start: number): void {
    const numbers = this.#numbers
    while (this.#next > PLACE.blanks && (numbers[this.#next - 2] as number) >= start) {
      this.#next -= 3
      if (numbers[this.#next] === BLANK.namespace) this.#namespaces.pop()
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.recipients = []
    this.names = ''
    this.#next = PLACE.blanks
    if (this.#namespaces.length > 0) this.#namespaces = []
  }

  #numberOf(name: string): number {
    // Most requests are about one link.
    if (this.names === name) return 0
    if (this.names === '') {
      this.names = name
      this.#known = undefined
      return 0
    }
    this.#known ??= new Map([[this.names, 0]])
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const number = this.#known.size
    this.#known.set(name, number)
    this.names = `${this.names}\0${name}`
    return number
  }

  #blank(sort: BLANK, at: number, of: number): void {
    const next = this.#next
    if (next === this.#numbers.length) {
      const grown = new Uint32Array(PLACE.blanks + (next - PLACE.blanks) * 2)
      grown.set(this.#numbers)
      this.#numbers = grown
    }
    const numbers = this.#numbers
    numbers[next] = sort
    numbers[next + 1] = at
    numbers[next + 2] = of
    this.#next = next + 3
  }
}
