/**
 * A socket that is open before there is a question for it: that of the last one, with another port. To make one takes
 * longer than to ask a server on the same machine.
 */
import { monotonic, setTimeout } from '../clock.ts'
import type { Port, Purpose } from './port.ts'

/** Milliseconds that it waits for a question, and that may lie between two questions for one to be worthwhile. */
const PATIENCE = 100

/** See the module: at most one, for what was asked last. It keeps neither the process alive nor a namespace for long. */
export class Spare {
  readonly #network: () => unknown
  readonly #own: unknown
  #port: Port | undefined
  #asked = Number.NEGATIVE_INFINITY
  #isExpected = false
  /** Whether it was used or kept since it was last looked after. */
  #isUsed = false
  #timer: NodeJS.Timeout | undefined

  /**
   * @param network - see {@link DnsSource.network}; in what it refuses now, nothing is kept.
   * @param own - the only network that one may be kept in, if there is one.
   */
  constructor(network: () => unknown, own?: unknown) {
    this.#network = network
    this.#own = own
  }

  /** The socket, if there is one for that purpose: from now on it is the caller's, for the question that he has. */
  take({ server, local, network }: Purpose): Port | undefined {
    const port = this.#port
    if (port?.isFor(server, local, network) !== true) return undefined
    this.#port = undefined
    // Now rather than when it was kept: addresses and routes may be others.
    if (!port.renew()) {
      port.end()
      return undefined
    }
    this.#isUsed = true
    port.hold(true)
    return port
  }

  /** To be told of each socket that is put to use. Where questions follow each other closely, more are expected. */
  expect(): void {
    const now = monotonic()
    this.#isExpected = now - this.#asked < PATIENCE
    this.#asked = now
  }

  /**
   * Keeps what nothing is asked from any more, without its port.
   *
   * @returns whether it does: it has none yet, and another question is expected
   */
  keep(port: Port): boolean {
    if (this.#port !== undefined || !this.#isExpected || monotonic() - this.#asked > PATIENCE) return false
    const { network } = port.purpose
    if (this.#own !== undefined && network !== this.#own) return false
    // As another network may be there by now, or none that may be asked in.
    if (this.#currentNetwork() !== network || !port.release()) return false
    this.#port = port
    this.#isUsed = true
    port.hold(false)
    port.whenOver((over) => {
      if (this.#port === over) this.#port = undefined
    })
    if (this.#timer === undefined) this.#watch()
    return true
  }

  /** Nothing stays open. */
  close(): void {
    const port = this.#port
    this.#port = undefined
    port?.end()
  }

  #watch(): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#port === undefined) return
      if (this.#isUsed) this.#watch()
      else this.close()
      this.#isUsed = false
    }, PATIENCE).unref()
  }

  #currentNetwork(): unknown {
    try {
      return this.#network()
    } catch {
      return undefined
    }
  }
}
