/** Questions by UDP. */

import type dgram from 'node:dgram'
import { builtin } from '../builtin.ts'
import type { Exchange, LocalAddress, Waiter } from './exchange.ts'
import { randomId } from './lazy.ts'
import { canonical, key, type Server } from './server.ts'
import { read, withId } from './wire.ts'

/**
 * How many questions a socket is used for. More would make it cheaper still, and the port that a forger has to guess
 * longer-lived.
 */
const MOST_QUESTIONS = 256

/** The sockets of a resolver. Only questions that are in flight at once, in one network, to one server, share one. */
export class Datagrams {
  readonly #open = new Map<string, Port>()

  /**
   * Sends a question.
   *
   * @param network - the identity of the network that a socket made now would be in; undefined never shares.
   */
  send(server: Server, local: LocalAddress, network: unknown, waiter: Waiter): Exchange {
    const name = key(server)
    let port = this.#open.get(name)
    if (port === undefined || network === undefined || !port.takes(network, local)) {
      port = new Port(server, local, network, (closed) => {
        if (this.#open.get(name) === closed) this.#open.delete(name)
      })
      if (network !== undefined && !port.closed) this.#open.set(name, port)
    }
    return port.send(waiter)
  }
}

class Port {
  readonly #server: Server
  readonly #local: LocalAddress
  readonly #network: unknown
  readonly #whenClosed: (port: Port) => void
  readonly #socket: dgram.Socket
  readonly #pending = new Map<number, Waiter>()
  #unsent: Buffer[] | undefined = []
  #questions = 0
  #closed = false
  /** Why it is closed, if that was not its own doing. */
  #error: Error | undefined

  constructor(server: Server, local: LocalAddress, network: unknown, whenClosed: (port: Port) => void) {
    this.#server = server
    this.#local = local
    this.#network = network
    this.#whenClosed = whenClosed
    this.#socket = builtin('dgram').createSocket({ type: server.family === 4 ? 'udp4' : 'udp6', lookup: asItIs })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('message', (packet, from) => this.#receive(packet, from))
    this.#socket.once('connect', () => this.#flush())
    this.#connect()
  }

  get closed(): boolean {
    return this.#closed
  }

  takes(network: unknown, local: LocalAddress): boolean {
    return !this.#closed && this.#questions < MOST_QUESTIONS && this.#network === network && this.#local === local
  }

  send(waiter: Waiter): Exchange {
    if (this.#error !== undefined) return failing(waiter, this.#error)
    let id = randomId()
    while (this.#pending.has(id)) id = randomId()
    this.#pending.set(id, waiter)
    this.#questions += 1
    const packet = withId(waiter.question, id)
    if (this.#unsent === undefined) this.#transmit(packet)
    else this.#unsent.push(packet)
    return { close: () => this.#forget(id) }
  }

  #connect(): void {
    try {
      const address = this.#local[this.#server.family]
      if (address !== undefined) this.#socket.bind({ address, port: 0, exclusive: true })
      // A connected socket hears nobody else, and hears that nobody listens.
      this.#socket.connect(this.#server.port, this.#server.address)
    } catch (error) {
      // Whoever refuses a socket here (a closed context) throws instead of emitting.
      this.#fail(error as Error)
    }
  }

  #flush(): void {
    const packets = this.#unsent ?? []
    this.#unsent = undefined
    if (this.#closed) return
    for (const packet of packets) this.#transmit(packet)
  }

  #transmit(packet: Buffer): void {
    try {
      this.#socket.send(packet)
    } catch (error) {
      process.nextTick(() => this.#fail(error as Error))
    }
  }

  #receive(packet: Buffer, from: dgram.RemoteInfo): void {
    // What came in before the socket was connected may be from anyone.
    if (from.port !== this.#server.port || !this.#isServer(from.address) || packet.length < 2) return
    const id = packet.readUInt16BE(0)
    const waiter = this.#pending.get(id)
    if (waiter === undefined) return
    const verdict = read(packet, waiter.question, id)
    if (verdict === 'foreign') return
    this.#forget(id)
    waiter.heard(verdict === 'malformed' ? undefined : verdict)
  }

  #isServer(address: string): boolean {
    // The unspecified address means this host, which answers from another one.
    const { source } = this.#server
    return address === source || source === '0.0.0.0' || source === '::' || canonical(address) === source
  }

  #fail(error: Error): void {
    if (this.#closed) return
    this.#error = error
    const waiters = [...this.#pending.values()]
    this.#pending.clear()
    this.#close()
    for (const waiter of waiters) waiter.failed(error)
  }

  #forget(id: number): void {
    this.#pending.delete(id)
    if (this.#pending.size === 0) this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.close()
    this.#whenClosed(this)
  }
}

/** A try whose socket could not be made: told afterwards, as every failure is. */
function failing(waiter: Waiter, error: Error): Exchange {
  let closed = false
  process.nextTick(() => {
    if (!closed) waiter.failed(error)
  })
  return {
    close: () => {
      closed = true
    }
  }
}

type Found = (error: Error | null, address: string, family: number) => void

/** Servers are addresses, never names: nothing is looked up. */
function asItIs(address: string, options: unknown, callback: Found): void {
  callback(null, address, typeof options === 'number' ? options : 0)
}
