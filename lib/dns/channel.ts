/** What stands in for c-ares below Node's own `Resolver`: the same methods, on sockets made in the current context. */
import { builtin } from '../builtin.ts'
import { setImmediate } from '../clock.ts'
import type { LocalAddress } from './exchange.ts'
import { toQuestion } from './names.ts'
import { type Plan, Query } from './query.ts'
import { BINDINGS, type Binding, failureOf, pointers, type Result } from './records.ts'
import type { ResolvConf } from './resolv-conf.ts'
import { reverseName } from './reverse.ts'
import { key, type Server, serverAt } from './server.ts'
import type { Settings } from './settings.ts'
import { Datagrams } from './udp.ts'
import { ask, type RecordType } from './wire.ts'

/** The request object that Node's resolver makes and hands to its handle. */
interface Request {
  oncomplete(error: string | null, value?: unknown, ttls?: readonly number[]): void
}

/** The c-ares channel that Node's constructor made. It is never asked a question: it only checks what is set. */
export interface NativeChannel {
  setServers(servers: readonly [number, string, number][]): number
  setLocalAddress(ipv4: string, ipv6?: string): void
}

/** The options of Node's `Resolver`, as its constructor has checked them. */
export interface ChannelOptions {
  readonly timeout?: number
  readonly tries?: number
  readonly maxTimeout?: number
}

/** UV_EINVAL, for what is no address. */
const EINVAL = -22
/** Node's own code for servers that cannot be changed now. */
const PENDING = -1000
/** c-ares's, where neither options nor resolv.conf say. */
const TIMEOUT = 2000
const TRIES = 4

/** See the module. */
export class Channel {
  static readonly #checkers = new WeakSet<NativeChannel>()

  /** Whether a channel of c-ares's only checks what is set on one of these. */
  static isChecker(native: NativeChannel): boolean {
    return Channel.#checkers.has(native)
  }

  readonly #settings: Settings
  readonly #native: NativeChannel
  readonly #options: ChannelOptions
  readonly #datagrams: Datagrams
  readonly #queries = new Set<Query>()
  #servers: readonly Server[] | undefined
  #local: LocalAddress = {}
  #first = 0

  constructor(settings: Settings, native: NativeChannel, options: ChannelOptions = {}) {
    this.#settings = settings
    this.#datagrams = new Datagrams(settings.spare)
    this.#native = native
    Channel.#checkers.add(native)
    this.#options = options
  }

  /** Address and port of each server. */
  getServers(): [string, number][] {
    return this.servers().map(({ address, port }) => [address, port])
  }

  /** The servers that are set, or resolv.conf's. */
  servers(): readonly Server[] {
    return this.#servers ?? this.#settings.resolvConf().servers
  }

  /** @returns 0, or the error that Node's resolver knows. */
  setServers(servers: readonly [number, string, number][]): number {
    for (const query of this.#queries) if (!query.finished) return PENDING
    const error = this.#native.setServers(servers)
    if (error !== 0) return error
    const distinct = new Map(
      servers.flatMap(([, address, port]) => serverAt(address, port) ?? []).map((server) => [key(server), server])
    )
    this.#servers = [...distinct.values()]
    return 0
  }

  /** @throws what Node throws, for what is no address or two of one family. */
  setLocalAddress(ipv4: string, ipv6?: string): void {
    this.#native.setLocalAddress(ipv4, ipv6)
    const addresses = ipv6 === undefined ? [ipv4] : [ipv4, ipv6]
    // The unspecified address lets the kernel choose, as none does.
    const bound = addresses.filter((address) => address !== '0.0.0.0' && address !== '::' && address !== '::0')
    this.#local = Object.fromEntries(bound.map((address) => [builtin('net').isIP(address), address]))
  }

  /** Every query under way ends with ECANCELLED. None is from now on, though each is told of it later. */
  cancel(): void {
    for (const query of this.#queries) query.abort('ECANCELLED')
    this.#queries.clear()
  }

  /** Asks one question. */
  query(request: Request, name: string, { type, shape }: Binding): number {
    const question = toQuestion(name)
    if (question === undefined) return rejected(request, 'EBADNAME')
    // RFC 7686: these names are not for the DNS.
    if (/(?:^|\.)onion$/i.test(question)) return rejected(request, 'ENOTFOUND')
    this.#ask(question, type, (code, answers) => complete(request, code ?? shape(answers, question)))
    return 0
  }

  /** `Resolver.reverse`: the hosts file, then PTR. */
  getHostByAddr(request: Request, address: string): number {
    const name = reverseName(address)
    if (name === undefined) return EINVAL
    const known = this.#settings.hosts().names(address)
    if (known.length > 0) {
      setImmediate(() => complete(request, { value: known }))
      return 0
    }
    this.#ask(name, 'PTR', (code, answers) => {
      const names = pointers(answers)
      complete(request, sought(code) ?? (names.length === 0 ? 'ENODATA' : { value: names }))
    })
    return 0
  }

  #ask(name: string, type: RecordType, done: (code: string | undefined, answers: readonly never[]) => void): void {
    const conf = this.#settings.recentResolvConf()
    const query = new Query(this.#plan(conf), ask(name, type, conf), this.#datagrams, (code, reply) => {
      this.#queries.delete(query)
      done(code ?? (reply === undefined ? 'EBADRESP' : failureOf(reply)), (reply?.answers ?? []) as readonly never[])
    })
    this.#queries.add(query)
  }

  #plan(conf: ResolvConf): Plan {
    const { timeout = -1, tries, maxTimeout = 0 } = this.#options
    return {
      servers: this.#rotated(this.#servers ?? conf.servers, conf.rotate),
      timeout: timeout > 0 ? timeout : (conf.timeout ?? TIMEOUT),
      // What c-ares takes for none given: with no tries nobody would be asked.
      tries: tries ?? (conf.attempts || TRIES),
      backoff: true,
      maxTimeout,
      skipsReferrals: false,
      tcp: conf.useVc,
      local: this.#local,
      network: this.#settings.network()
    }
  }

  #rotated(servers: readonly Server[], rotate: boolean): readonly Server[] {
    if (!rotate || servers.length < 2) return servers
    this.#first = (this.#first + 1) % servers.length
    return [...servers.slice(this.#first), ...servers.slice(0, this.#first)]
  }
}

/** `queryA`, `queryAaaa`, …: what Node's resolver calls. */
for (const [method, binding] of Object.entries(BINDINGS)) {
  Object.defineProperty(Channel.prototype, method, {
    configurable: true,
    writable: true,
    value(this: Channel, request: Request, name: string) {
      return this.query(request, name, binding)
    }
  })
}

/** What c-ares says of an address that a server did not tell the name of, whatever became of that. */
function sought(code: string | undefined): string | undefined {
  return code === undefined || code === 'ECANCELLED' || code.startsWith('ERR_') ? code : 'ENOTFOUND'
}

function rejected(request: Request, code: string): number {
  setImmediate(() => complete(request, code))
  return 0
}

function complete(request: Request, result: Result | string): void {
  if (typeof result === 'string') request.oncomplete(result)
  else request.oncomplete(null, result.value, result.ttls)
}
