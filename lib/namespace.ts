/** A handle: one network namespace, held open and known. */
import { closed, invalidType } from './errors.ts'
import { Forgotten } from './forgotten.ts'
import { attempt, attemptAsync, type Handle, often } from './native.ts'

/** The user namespace that owns a network namespace. */
export interface Owner {
  /** Who made it, as this process sees user ids. */
  uid: number
  /** `user:[4026531837]`. */
  userNamespace: string
}

/** On prototypes of what is bound to a namespace for ever: which. */
export const BOUND = Symbol('node-netns.bound')

function closeSlot(slot: number): void {
  const { closeSlot, given } = often()
  given.number[0] = slot
  closeSlot()
}

let home: { dev: number; inode: number } | undefined

/** The part of a `NetNs` that is about the namespace itself: its identity, and being open. */
export class Namespace implements Disposable, AsyncDisposable {
  static readonly #forgotten = new Forgotten<Namespace>((namespace) => namespace.#slot, closeSlot)

  /**
   * Whether a value is one, of this copy of the library. Quicker than `instanceof`, which asks the class first.
   *
   * @internal
   */
  static is(value: unknown): value is Namespace {
    return typeof value === 'object' && value !== null && #name in value
  }

  readonly #name: string | undefined
  /** What is open, as a number of native code's. */
  #slot: number | undefined
  /** The native object, once something needs it: it costs more to make than to open a namespace. */
  #handle: Handle | undefined
  #identity: { dev: number; inode: number } | undefined
  #id: string | undefined
  #isHome: boolean | undefined
  #cookie: bigint | undefined
  #ends: (() => void)[] | undefined
  /**
   * What a log shows of it. An own property, as structured clone would otherwise make an empty object of a handle that
   * is sent to a Worker, where now it refuses.
   *
   * @internal
   */
  readonly toJSON: () => { id: string; name: string | undefined } = describe

  /** @internal */
  constructor(open: Handle | number, name?: string) {
    this.#name = name
    if (typeof open === 'number') this.#keep(open)
    else this.#handle = open
  }

  /**
   * What native code knows it by, for calls that are made often.
   *
   * @internal
   * @throws `ERR_NETNS_CLOSED`
   */
  get slot(): number {
    return this.#slot ?? this.#keep(attempt(() => this.handle.slot()))
  }

  /**
   * The native handle, for the modules below this one.
   *
   * @internal
   * @throws `ERR_NETNS_CLOSED`
   */
  get handle(): Handle {
    if (this.#handle === undefined) {
      const slot = this.#slot
      if (slot === undefined) throw closed(this.toString())
      this.#handle = attempt((native) => native.Handle.of(slot))
    }
    return this.#handle
  }

  /**
   * A descriptor of the namespace, close-on-exec, that lives as long as the handle: to be looked at, passed to a child
   * as stdio or to a Worker for `NetNs.fromFd`, not to be closed. -1 once the handle is closed, as for Node's handles.
   *
   * @throws `EMFILE`
   */
  get fd(): number {
    if (this.closed) return -1
    return attempt(() => this.handle.descriptor())
  }

  /** The device number of the kernel's nsfs. Identifies, with {@link inode}, a namespace that a handle keeps alive. */
  get dev(): number {
    return this.#identify().dev
  }

  /** The number in `net:[4026531840]`. The kernel gives it to another namespace soon after this one is gone. */
  get inode(): number {
    return this.#identify().inode
  }

  /**
   * The kernel's own cookie of the namespace (`SO_NETNS_COOKIE`), unique until reboot. `undefined` before Linux 5.14.
   *
   * @throws `EPERM` without the privilege to enter, unless it is the thread's own namespace; `ERR_NETNS_CLOSED` if it
   * was not read while the handle was open.
   */
  get cookie(): bigint | undefined {
    this.#cookie ??= attempt(() => this.handle.cookie()) ?? undefined
    return this.#cookie
  }

  /** `net:[4026531840]`, as the kernel writes it. */
  get id(): string {
    this.#id ??= `net:[${this.inode}]`
    return this.#id
  }

  /** The name it was created or opened by. */
  get name(): string | undefined {
    return this.#name
  }

  /** Whether the handle was closed. */
  get closed(): boolean {
    return this.#handle === undefined && this.#slot === undefined
  }

  /**
   * The user namespace that owns this one, whose privileges configure it.
   *
   * @throws `EPERM` if the owner lies outside this process's own user namespace, `ERR_NETNS_CLOSED`
   */
  owner(): Owner {
    return attempt(() => this.handle.owner())
  }

  /**
   * Processes with at least one thread inside, in ascending order; those that this user may not look into are left out.
   *
   * @throws `ERR_NETNS_CLOSED`
   */
  async pids(): Promise<number[]> {
    return attemptAsync(() => this.handle.pids())
  }

  /**
   * Whether it is the namespace where the process started. Kept, as every look-up and every HTTP request asks.
   *
   * @internal
   */
  get isHome(): boolean {
    if (this.#isHome === undefined) {
      home ??= attempt((native) => native.Handle.home().identify())
      this.#isHome = this.inode === home.inode && this.dev === home.dev
    }
    return this.#isHome
  }

  /**
   * Whether both are handles of the same namespace.
   *
   * @throws `ERR_NETNS_CLOSED` if either is closed, as a namespace that nobody holds has no identity.
   */
  equals(other: Namespace | undefined): boolean {
    if (other === undefined) return false
    if (!(other instanceof Namespace)) throw invalidType('other', 'an instance of NetNs', other)
    if (this.closed || other.closed) throw closed((this.closed ? this : other).toString())
    return this.inode === other.inode && this.dev === other.dev
  }

  /** `red (net:[4026532261])`, or the id alone without a name. */
  toString(): string {
    const id = this.#identity || !this.closed ? this.id : 'a network namespace'
    return this.#name === undefined ? id : `${this.#name} (${id})`
  }

  /**
   * Lets go of the namespace; a second time does nothing. It lives on while it has a name, a process or another handle.
   * What is running inside goes on.
   */
  close(): void {
    const ends = this.#ends
    if (ends !== undefined) {
      this.#ends = undefined
      for (const end of ends) end()
    }
    if (this.#handle !== undefined) {
      // What it was is worth knowing afterwards, in a log.
      this.#identify()
      this.#handle.close()
      this.#handle = undefined
    }
    if (this.#slot !== undefined) {
      Namespace.#forgotten.dismiss(this)
      closeSlot(this.#slot)
      this.#slot = undefined
    }
  }

  /** As {@link close}. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Node's `inspect.custom`. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `NetNs <${this.toString()}${this.closed ? ', closed' : ''}>`
  }

  /**
   * Has it known what it is even after it is closed, as whatever is in a context of it may ask for long.
   *
   * @internal
   */
  remember(): void {
    this.#identify()
  }

  /**
   * Has `end` called when the handle is closed. It must not throw.
   *
   * @internal
   */
  whenClosed(end: () => void): void {
    this.#ends ??= []
    this.#ends.push(end)
  }

  #keep(slot: number): number {
    this.#slot = slot
    Namespace.#forgotten.expect(this)
    return slot
  }

  #identify(): { dev: number; inode: number } {
    this.#identity ??= attempt(() => this.handle.identify())
    return this.#identity
  }
}

function describe(this: Namespace): { id: string; name: string | undefined } {
  return { id: this.id, name: this.name }
}
