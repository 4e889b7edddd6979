/** Starts programs natively, and hears of them: one native listener for each JavaScript realm. */
import { setInterval } from '../clock.ts'
import { hasName } from '../context/place.ts'
import { isErrorRecord } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { type Handle, native } from '../native.ts'
import { environment, isReal } from './environment.ts'
import { spawnFailed } from './errors.ts'
import type { Checked } from './options.ts'
import { signalName } from './signals.ts'

/** How a child ended. */
export interface Exit {
  /** Its exit code; null if a signal ended it. */
  code: number | null
  /** The signal that ended it, or null. */
  signal: NodeJS.Signals | null
}

/** What is heard of a child. */
export type Told =
  /** Its program runs. Heard only once {@link Launched.announce} asked for it. */
  | { what: 'started'; pid: number }
  /** It could not be started; nothing else is heard then. */
  | { what: 'failed'; error: Error }
  /** It ended. */
  | { what: 'ended'; exit: Exit; pid: number | undefined }

/** Who hears of one child. */
export type Ear = (told: Told) => void

/** A child that was launched. */
export class Launched {
  readonly #launcher: Native
  readonly #id: number
  readonly #ear: Ear
  readonly #checked: Checked
  #held = true

  /** @internal */
  constructor(launcher: Native, id: number, ear: Ear, checked: Checked) {
    this.#launcher = launcher
    this.#id = id
    this.#ear = ear
    this.#checked = checked
    hold()
  }

  /** Has it heard when the program runs: before its end, if it does. */
  announce(): void {
    this.#launcher.announce(this.#id)
  }

  /** This process's ends of the pipes, or -1, by the child's numbers; given once. */
  pipes(): number[] {
    return this.#launcher.pipes(this.#id)
  }

  /**
   * Its pid, once it runs: this waits for that.
   *
   * @throws why it does not run
   */
  started(): number | undefined {
    return this.#launcher.started(this.#id) ?? undefined
  }

  /** Whether it was still there to be sent a signal. */
  kill(signal: number): boolean {
    return this.#launcher.kill(this.#id, signal)
  }

  /** Whether the child keeps this process alive while it runs, as it does at first. */
  ref(wanted: boolean): void {
    if (wanted === this.#held || !running.has(this.#id)) return
    this.#held = wanted
    if (wanted) hold()
    else letGo()
  }

  /** @internal What became of it, in the numbers of the native listener. */
  heard(what: number, value: number): void {
    if (what === 1) {
      this.#ear({ what: 'started', pid: value })
      return
    }
    const told = what === 0 ? this.#failure() : this.#end(what, value)
    running.delete(this.#id)
    if (this.#held) letGo()
    this.#launcher.forget(this.#id)
    this.#ear(told)
  }

  #end(what: number, value: number): Told {
    const exit = { code: what === 2 ? value : null, signal: what === 3 ? signalName(value) : null }
    return { what: 'ended', exit, pid: this.started() }
  }

  #failure(): Told {
    let error = new Error('the program was started after all')
    try {
      this.started()
    } catch (thrown) {
      error = failed(thrown, this.#checked)
    }
    return { what: 'failed', error }
  }
}

type Native = InstanceType<ReturnType<typeof native>['Launcher']>

const running = new Map<number, Launched>()
let launcher: Native | undefined

/** The native listener keeps nothing alive; an idle timer does for all children, as a handle for each of Node's. */
const alive = setInterval(() => {}, 2 ** 31 - 1).unref()
let held = 0

function hold(): void {
  if (held++ === 0) alive.ref()
}

function letGo(): void {
  if (--held === 0) alive.unref()
}

/**
 * Starts a command. It goes on natively: whether the program runs is heard later.
 *
 * @throws `ERR_NETNS_CLOSED`; `EMFILE`, `EAGAIN`, `EBADF` for a wrong `stdio`, as Node's `'error'` would have them
 */
export function launch(namespace: Namespace, checked: Checked, stdio: number[], ear: Ear): Launched {
  const { handle } = namespace
  launcher ??= new (native().Launcher)((id, what, value) => running.get(id)?.heard(what, value))
  const id = start(launcher, handle, checked, stdio)
  const launched = new Launched(launcher, id, ear, checked)
  running.set(id, launched)
  return launched
}

function start(launcher: Native, handle: Handle, checked: Checked, stdio: number[]): number {
  const { words, env, order } = checked
  try {
    if (env !== undefined) return launcher.launch(handle, words, env, stdio, order)
    const own = process.env
    if (hasName() || !isReal(own)) return launcher.launch(handle, words, environment(own), stdio, order)
    const id = launcher.launch(handle, words, null, stdio, order)
    if (id !== 0) return id
    // Reading it takes a while, so it is read again only when it has changed.
    const now = environment(own)
    launcher.remember(now)
    return launcher.launch(handle, words, now, stdio, order)
  } catch (thrown) {
    throw failed(thrown, checked)
  }
}

function failed(thrown: unknown, { file, args }: Checked): Error {
  return isErrorRecord(thrown) ? spawnFailed(thrown, file, args) : (thrown as Error)
}
