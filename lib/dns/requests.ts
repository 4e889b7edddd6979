/** Names for the request objects of Node's own `lookup` and `lookupService`, as its binding finds them at home. */
import { setImmediate } from '../clock.ts'
import { getaddrinfo } from './getaddrinfo.ts'
import { inOrder, type ResultOrder } from './lookup.ts'
import { serviceOf } from './service.ts'
import type { Settings } from './settings.ts'
import { Datagrams } from './udp.ts'

/** What Node makes for each look-up. A number is libuv's error, a string a code. */
export interface Request {
  /** Of a look-up with a callback. */
  readonly callback?: (error: unknown) => void
  /** Of one with a promise. */
  readonly reject?: (error: unknown) => void
  oncomplete(error: number | string | null, ...results: unknown[]): void
}

/** The look-ups of a source. */
export class Requests {
  readonly #settings: Settings
  readonly #datagrams: Datagrams

  constructor(settings: Settings) {
    this.#settings = settings
    this.#datagrams = new Datagrams(settings.spare)
  }

  /** Completes with a list of addresses. */
  getaddrinfo(request: Request, name: string, family: 0 | 4 | 6, hints: number, order: ResultOrder): void {
    settle(request, getaddrinfo(this.#settings, this.#datagrams, { name, family, hints }), (found) => [
      inOrder(found, order).map(({ address }) => address)
    ])
  }

  /** Completes with the names of a host and a service. */
  getnameinfo(request: Request, address: string, port: number): void {
    settle(request, serviceOf(this.#settings, this.#datagrams, address, port), ({ hostname, service }) => [
      hostname,
      service
    ])
  }
}

/** Out of the promise, as what a callback throws is an uncaught exception and no rejection. */
function settle<T extends object>(
  request: Request,
  promise: Promise<T | number | string>,
  results: (found: T) => unknown[]
): void {
  promise.then(
    (found) =>
      setImmediate(() => {
        if (typeof found === 'object') request.oncomplete(null, ...results(found))
        else request.oncomplete(found)
      }),
    (error: unknown) => setImmediate(() => refuse(request, error))
  )
}

/** An error of ours stays as it is: Node would make another of its code. */
function refuse(request: Request, error: unknown): void {
  if (request.callback !== undefined) request.callback(error)
  else if (request.reject !== undefined) request.reject(error)
  else throw error
}
