/** A socket that questions are asked from. */
import type dgram from 'node:dgram'
import { builtin } from '../builtin.ts'
import { setImmediate } from '../clock.ts'
import { type Exchange, failing, type Waiter } from './exchange.ts'
import { randomId } from './lazy.ts'
import { canonical, type Server } from './server.ts'
import { read, withId } from './wire.ts'

/**
 * How many questions a socket is used for. More would make it cheaper still, and the port that a forger has to guess
 * longer-lived.
 */
const MOST_QUESTIONS = 256

/** What a socket is for. */
export interface Purpose {
  readonly server: Server
  /** Where it is bound, if that is not the kernel's choice. */
  readonly local: string | undefined
  /** The identity of the network that it is in; undefined if that is not known. */
  readonly network: unknown
}

/**
 * See the module. When the last question that was asked from it is answered it is kept for the next ones, with another
 * number, or closes; it closes when the last one is given up.
 */
export class Port implements Exchange {
  readonly #purpose: Purpose
  readonly #keep: ((port: Port) => boolean) | undefined
  readonly #socket: dgram.Socket
  readonly #pending = new Map<number, Waiter>()
  /** Where many are told of answers, behind the last of them: they may ask again, from here too. */
  readonly #restIdle = (): void => {
    if (this.#pending.size === 0 && this.#questions > 0) this.#rest()
  }
  #unsent: Waiter[] | undefined = []
  #questions = 0
  /** Its last number, once it gave that back. */
  #number: number | undefined
  /** Whether it has another one and nothing was sent from that yet. */
  #isRenewed = false
  /** Whether others were in flight when the last was asked. Those that follow each other have a number each. */
  #isShared = false
  /** Whether it takes no more questions. */
  #over = false
  #closed = false
  /** Why it is closed, if that was not its own doing. */
  #error: Error | undefined
  #whenOver: ((port: Port) => void) | undefined

  /** @param keep - told when nothing is under way: whether somebody keeps it, who had it {@link release} its number. */
  constructor(purpose: Purpose, keep?: (port: Port) => boolean) {
    this.#purpose = purpose
    this.#keep = keep
    const type = purpose.server.family === 4 ? 'udp4' : 'udp6'
    this.#socket = builtin('dgram').createSocket({ type, lookup: asItIs })
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('message', (packet, from) => this.#receive(packet, from))
    this.#socket.on('connect', () => this.#flush())
    this.#open()
  }

  /** What it is for. */
  get purpose(): Purpose {
    return this.#purpose
  }

  /** Whether no question has been asked from it and any may be. */
  get fresh(): boolean {
    return this.#questions === 0 && !this.#over
  }

  /** Whether questions of that purpose are what it is for. */
  isFor(server: Server, local: string | undefined, network: unknown): boolean {
    const { server: mine, local: from, network: inside } = this.#purpose
    return inside === network && from === local && mine.address === server.address && mine.port === server.port
  }

  /** Whether one more question of that purpose may be asked from it. */
  takes(server: Server, local: string | undefined, network: unknown): boolean {
    return !this.#over && this.#questions < MOST_QUESTIONS && this.isFor(server, local, network)
  }

  /**
   * Gives its number back, when nothing is under way.
   *
   * @returns whether it did
   */
  release(): boolean {
    if (this.#closed) return false
    try {
      this.#number = this.#socket.address().port
      // connect(2): then it has no peer; and as nobody chose its number, Linux takes that as well.
      this.#socket.disconnect()
      this.#questions = 0
    } catch {
      return false
    }
    return true
  }

  /**
   * Takes another number, of the kernel's choice, and the address that the route to the server has by now. To a forger it
   * is as good as another socket, which would take longer to make.
   *
   * @returns whether it did
   */
  renew(): boolean {
    if (this.#closed) return false
    try {
      this.#unsent = []
      this.#connect()
      const { port } = this.#socket.address()
      if (port === this.#number || port === 0) return false
    } catch {
      return false
    }
    this.#isRenewed = true
    this.#over = false
    return true
  }

  /** Whether the process stays alive for it. */
  hold(alive: boolean): void {
    if (alive) this.#socket.ref()
    else this.#socket.unref()
  }

  /** Has `tell` called, once, when it takes no more questions. */
  whenOver(tell: (port: Port) => void): void {
    this.#whenOver = tell
  }

  /** Asks a question. */
  send(waiter: Waiter): Exchange {
    if (this.#error !== undefined) return failing(waiter, this.#error)
    this.#isShared = this.#pending.size > 0
    let id = randomId()
    while (this.#pending.has(id)) id = randomId()
    this.#pending.set(id, waiter)
    this.#questions += 1
    waiter.id = id
    if (this.#unsent === undefined) this.#transmit(waiter)
    else this.#unsent.push(waiter)
    return this
  }

  distrust(): void {
    this.#retire()
  }

  close(waiter: Waiter): void {
    if (!this.#awaits(waiter)) return
    this.#pending.delete(waiter.id)
    if (this.#pending.size === 0) this.end()
  }

  /** Closes the socket, whatever is under way. */
  end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#retire()
    this.#socket.close()
  }

  #open(): void {
    const { local } = this.#purpose
    try {
      if (local !== undefined) this.#socket.bind({ address: local, port: 0, exclusive: true })
      this.#connect()
    } catch (error) {
      // Whoever refuses a socket here (a closed context) throws instead of emitting.
      this.#fail(error as Error)
    }
  }

  /** A connected socket hears nobody else, and hears that nobody listens. */
  #connect(): void {
    const { port, address } = this.#purpose.server
    this.#socket.connect(port, address)
  }

  #flush(): void {
    const waiters = this.#unsent ?? []
    this.#unsent = undefined
    for (const waiter of waiters) this.#transmit(waiter)
  }

  #transmit(waiter: Waiter): void {
    if (!this.#awaits(waiter)) return
    const isFirst = this.#isRenewed
    this.#isRenewed = false
    try {
      // What sending finds out, Node tells nobody else.
      this.#socket.send(withId(waiter.question, waiter.id), (error) => {
        if (error === null) return
        // The kernel tells the next who sends of what came of the socket's last question.
        if (isFirst) this.#transmit(waiter)
        else this.#refuse(waiter, error)
      })
    } catch (error) {
      process.nextTick(() => this.#fail(error as Error))
    }
  }

  /** Nobody listens, which goes for all; or this datagram alone is refused, as by a filter, or for want of its address. */
  #refuse(waiter: Waiter, error: NodeJS.ErrnoException): void {
    if (error.code === 'ECONNREFUSED') this.#fail(error)
    if (!this.#awaits(waiter)) return
    this.#pending.delete(waiter.id)
    this.#retire()
    waiter.failed(error)
    if (this.#pending.size === 0) this.end()
  }

  /** The id may be another question's by now. */
  #awaits(waiter: Waiter): boolean {
    return !this.#closed && this.#pending.get(waiter.id) === waiter
  }

  #receive(packet: Buffer, from: dgram.RemoteInfo): void {
    // What came in before the socket was connected may be from anyone.
    if (from.port !== this.#purpose.server.port || !this.#isServer(from.address) || packet.length < 2) return
    const id = packet.readUInt16BE(0)
    const waiter = this.#pending.get(id)
    if (waiter === undefined) return
    const verdict = read(packet, waiter.question, id)
    if (verdict === 'foreign') return
    this.#pending.delete(id)
    // Who is told may have to ask again: another server, or by another socket.
    if (this.#pending.size === 0 && !this.#isShared) this.#retire()
    waiter.heard(verdict === 'malformed' ? undefined : verdict)
    if (this.#pending.size > 0) return
    if (this.#isShared) setImmediate(this.#restIdle)
    else this.#rest()
  }

  /** Nothing is under way. */
  #rest(): void {
    this.#retire()
    if (this.#keep?.(this) !== true) this.end()
  }

  #isServer(address: string): boolean {
    // The unspecified address means this host, which answers from another one.
    const { source } = this.#purpose.server
    return address === source || source === '0.0.0.0' || source === '::' || canonical(address) === source
  }

  #fail(error: Error): void {
    if (this.#closed) return
    this.#error = error
    const waiters = [...this.#pending.values()]
    this.#pending.clear()
    this.end()
    for (const waiter of waiters) waiter.failed(error)
  }

  #retire(): void {
    this.#over = true
    const tell = this.#whenOver
    this.#whenOver = undefined
    tell?.(this)
  }
}

type Found = (error: Error | null, address: string, family: number) => void

/** Servers are addresses, never names: nothing is looked up. */
function asItIs(address: string, options: unknown, callback: Found): void {
  callback(null, address, typeof options === 'number' ? options : 0)
}
