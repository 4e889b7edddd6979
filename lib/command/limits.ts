/** Ends a child before its time: aborted, too slow, too talkative. */
import { constants } from 'node:os'
import { clearTimeout, setTimeout } from '../clock.ts'
import type { Launched } from './launcher.ts'
import type { Limits } from './options.ts'

/** Whether there is anything to watch for. */
export function isLimited({ signal, timeout }: Limits): boolean {
  return signal !== undefined || timeout > 0
}

/** Watches over one child until {@link release}. */
export class Guard {
  readonly #child: Launched
  readonly #limits: Limits
  readonly #onAbort: () => void
  #timer: NodeJS.Timeout | undefined
  #force: NodeJS.Timeout | undefined

  /** `reached` hears which limit was, just after the child was sent its signal. */
  constructor(child: Launched, limits: Limits, reached: (limit: 'signal' | 'timeout') => void) {
    this.#child = child
    this.#limits = limits
    const end = (limit: 'signal' | 'timeout') => {
      this.end()
      reached(limit)
    }
    this.#onAbort = () => end('signal')
    const { signal, timeout } = limits
    if (signal?.aborted) process.nextTick(this.#onAbort)
    else signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (timeout > 0 && Number.isFinite(timeout)) this.#timer = setTimeout(() => end('timeout'), timeout)
  }

  /** Sends the signal, and SIGKILL if that does not help in time. */
  end(): void {
    this.#kill(this.#limits.killSignal)
    if (this.#force !== undefined || !Number.isFinite(this.#limits.forceKillAfter)) return
    this.#force = setTimeout(() => this.#kill(constants.signals.SIGKILL), this.#limits.forceKillAfter)
  }

  /** The child has ended. */
  release(): void {
    this.#limits.signal?.removeEventListener('abort', this.#onAbort)
    clearTimeout(this.#timer)
    clearTimeout(this.#force)
  }

  #kill(signal: number): void {
    try {
      this.#child.kill(signal)
    } catch {
      // It became another user, whom we may not signal: what is left is to wait.
    }
  }
}
