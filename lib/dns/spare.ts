/**
 * A socket that is open before there is a question for it: while one question waits for its answer, the next one's socket
 * is made, which then takes no time of that question's.
 */
import { monotonic, setImmediate, setTimeout } from '../clock.ts'
import { Port, type Purpose } from './port.ts'

/** Milliseconds that it waits for a question, and that may lie between two questions for one to be worthwhile. */
const PATIENCE = 100

/** See the module: at most one, for what was asked last. It keeps neither the process alive nor a namespace for long. */
export class Spare {
  readonly #network: () => unknown
  #port: Port | undefined
  #asked = Number.NEGATIVE_INFINITY
  #isDue = false
  #timer: NodeJS.Timeout | undefined

  /** @param network - see {@link DnsSource.network}; what it refuses now, nothing is made for. */
  constructor(network: () => unknown) {
    this.#network = network
  }

  /** The socket, if there is one for that purpose: from now on it is the caller's, for the question that he has. */
  take({ server, local, network }: Purpose): Port | undefined {
    const port = this.#port
    if (port?.takes(server, local, network) !== true) return undefined
    this.#port = undefined
    port.hold(true)
    return port
  }

  /** To be told of each socket that is put to use. Makes the next one soon, if questions follow each other closely. */
  replace(purpose: Purpose): void {
    const now = monotonic()
    const soon = now - this.#asked < PATIENCE
    this.#asked = now
    if (!soon || this.#isDue || this.#port !== undefined) return
    this.#isDue = true
    // In the context of who asks, and so in the same network; the question is on its way by then.
    setImmediate(() => this.#make(purpose))
  }

  /** Nothing stays open. */
  close(): void {
    const port = this.#port
    this.#port = undefined
    port?.end()
  }

  #make(purpose: Purpose): void {
    this.#isDue = false
    if (this.#currentNetwork() !== purpose.network) return
    const port = new Port(purpose)
    if (!port.fresh) return
    this.#port = port
    port.hold(false)
    port.whenOver((over) => {
      if (this.#port === over) this.#port = undefined
    })
    if (this.#timer === undefined) this.#watch()
  }

  #watch(): void {
    const port = this.#port
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (this.#port === port) this.close()
      else if (this.#port !== undefined) this.#watch()
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
