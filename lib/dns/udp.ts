/** Questions by UDP. */
import type { Exchange, LocalAddress, Waiter } from './exchange.ts'
import { Port } from './port.ts'
import type { Server } from './server.ts'
import type { Spare } from './spare.ts'

/** The sockets of a resolver. Only questions that are in flight at once, in one network, to one server, share one. */
export class Datagrams {
  readonly #spare: Spare
  readonly #open = new Map<Server, Port>()
  readonly #keep = (port: Port): boolean => this.#spare.keep(port)

  /** @param spare - the source's, for all of its resolvers. */
  constructor(spare: Spare) {
    this.#spare = spare
  }

  /**
   * Sends a question.
   *
   * @param network - the identity of the network that a socket made now would be in; undefined never shares.
   */
  send(server: Server, local: LocalAddress, network: unknown, waiter: Waiter): Exchange {
    const address = local[server.family]
    const purpose = { server, local: address, network }
    if (network === undefined) return new Port(purpose).send(waiter)
    const known = this.#open.get(server)
    if (known?.takes(server, address, network)) return known.send(waiter)
    const port = this.#spare.take(purpose) ?? new Port(purpose, this.#keep)
    if (port.fresh) {
      this.#open.set(server, port)
      port.whenOver((over) => {
        if (this.#open.get(server) === over) this.#open.delete(server)
      })
    }
    this.#spare.expect()
    return port.send(waiter)
  }
}
