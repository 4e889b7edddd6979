/** `lookup` and `lookupService`, with callbacks and with promises. */

import { promisify } from 'node:util'
import { builtin } from '../builtin.ts'
import { setImmediate } from '../clock.ts'
import { lookupError } from './errors.ts'
import { type Found, getaddrinfo } from './getaddrinfo.ts'
import type { HostAddress } from './hosts.ts'
import { node } from './node.ts'
import { type Service, serviceOf } from './service.ts'
import type { Settings } from './settings.ts'
import { Datagrams } from './udp.ts'

/** How the results of a look-up are ordered. */
export type ResultOrder = 'verbatim' | 'ipv4first' | 'ipv6first'

type Callback = (error: Error | null, ...results: unknown[]) => void

interface Options {
  readonly family?: unknown
  readonly hints?: number | null
  readonly all?: boolean | null
  readonly verbatim?: boolean | null
  readonly order?: ResultOrder | null
}

interface Request {
  readonly name: string
  readonly family: 0 | 4 | 6
  readonly hints: number
  readonly all: boolean
  readonly order: ResultOrder
}

/** The look-ups of a source. `order` says what is usual now. */
export function lookups(settings: Settings, order: () => ResultOrder) {
  const datagrams = new Datagrams(settings.spare)

  function lookup(...args: unknown[]): unknown {
    const [hostname] = args
    const options = typeof args[1] === 'function' ? undefined : args[1]
    const callback = (typeof args[1] === 'function' ? args[1] : args[2]) as Callback
    // No name, or one that is an address, is Node's own business, and so is every wrong argument.
    if (!isName(hostname)) return apply(node().lookup, args)
    check(args, 1)
    const request = toRequest(hostname, options, order())
    settle(look(settings, datagrams, request), callback, (found) =>
      request.all ? [found] : [found[0]?.address, found[0]?.family]
    )
    return requestObject('GetAddrInfoReqWrap', { callback, family: request.family, hostname })
  }

  function lookupPromise(...args: unknown[]): unknown {
    const [hostname, options] = args
    if (!isName(hostname)) return apply(node().promises.lookup, args)
    apply(node().promises.lookup, ['127.0.0.1', options])
    const request = toRequest(hostname, options, order())
    return look(settings, datagrams, request).then((found) => (request.all ? found : found[0]))
  }

  function lookupService(...args: unknown[]): unknown {
    const [address, port, callback] = args
    if (args.length !== 3 || builtin('net').isIP(address as string) === 0) return apply(node().lookupService, args)
    if (typeof address !== 'string' || !isPlainPort(port) || typeof callback !== 'function')
      checkPort(address, port, callback)
    const found = service(settings, datagrams, String(address), Number(port), String(address))
    settle(found, callback as Callback, (it) => [it.hostname, it.service])
    return requestObject('GetNameInfoReqWrap', { callback, hostname: address, port: Number(port) })
  }

  function lookupServicePromise(...args: unknown[]): unknown {
    const [address, port] = args
    if (args.length !== 2 || builtin('net').isIP(address as string) === 0)
      return apply(node().promises.lookupService, args)
    if (typeof address !== 'string' || !isPlainPort(port)) checkPort(address, port, () => undefined)
    // Node's promises leave the name out of this one error.
    return service(settings, datagrams, String(address), Number(port), undefined)
  }

  Object.defineProperty(lookup, promisify.custom, { value: promisified(lookup, ['address', 'family']) })
  Object.defineProperty(lookupService, promisify.custom, { value: promisified(lookupService, ['hostname', 'service']) })
  return {
    lookup: named(lookup, 'lookup', node().lookup.length),
    lookupService: named(lookupService, 'lookupService', node().lookupService.length),
    promises: {
      lookup: named(lookupPromise, 'lookup', node().promises.lookup.length),
      lookupService: named(lookupServicePromise, 'lookupService', node().promises.lookupService.length)
    }
  }
}

/** Newer Nodes refuse a NUL in a name as a wrong argument; to older ones it is a name that does not exist. */
const checksNul = () => /NullBytes/.test(Function.prototype.toString.call(node().lookup))

/** Whether it has to be looked up: all else is Node's own business. */
export function isName(hostname: unknown): hostname is string {
  if (typeof hostname !== 'string' || hostname === '') return false
  return builtin('net').isIP(hostname) === 0 && !(hostname.includes('\0') && checksNul())
}

/** Node checks the arguments itself, for an address that it has nothing to look up for. */
function check(args: readonly unknown[], from: number): void {
  const checked = args.slice(from).map((arg) => (typeof arg === 'function' ? () => undefined : arg))
  apply(node().lookup, ['127.0.0.1', ...checked])
}

function isPlainPort(port: unknown): boolean {
  return typeof port === 'number' && Number.isInteger(port) && port >= 0 && port < 65536
}

/** Node looks at the callback last, and at nothing after it: without one, it gets as far as complaining of that. */
function checkPort(address: unknown, port: unknown, callback: unknown): void {
  try {
    apply(node().lookupService, [address, port, undefined])
  } catch (error) {
    const isAboutCallback = /"callback"/.test((error as Error).message)
    if (!isAboutCallback) throw error
  }
  if (typeof callback !== 'function') apply(node().lookupService, [address, port, callback])
}

function toRequest(name: string, options: unknown, usual: ResultOrder): Request {
  const given: Options = typeof options === 'number' ? { family: options } : ((options ?? {}) as Options)
  const spoken = given.verbatim == null ? usual : given.verbatim ? 'verbatim' : 'ipv4first'
  return {
    name,
    family: toFamily(given.family),
    hints: (given.hints ?? 0) >>> 0,
    all: given.all ?? false,
    order: given.order ?? spoken
  }
}

function toFamily(family: unknown): 0 | 4 | 6 {
  if (family === 4 || family === 'IPv4') return 4
  return family === 6 || family === 'IPv6' ? 6 : 0
}

async function look(settings: Settings, datagrams: Datagrams, request: Request): Promise<readonly HostAddress[]> {
  const found: Found = await getaddrinfo(settings, datagrams, request)
  if (typeof found === 'object') return inOrder(found, request.order)
  throw lookupError(found, 'getaddrinfo', request.name)
}

/** Addresses in an order. */
export function inOrder(addresses: readonly HostAddress[], order: ResultOrder): readonly HostAddress[] {
  const plain = addresses.map(({ address, family }) => ({ address, family }))
  if (order === 'verbatim') return plain
  const first = order === 'ipv4first' ? 4 : 6
  return [...plain.filter(({ family }) => family === first), ...plain.filter(({ family }) => family !== first)]
}

async function service(
  settings: Settings,
  datagrams: Datagrams,
  address: string,
  port: number,
  blamed: string | undefined
): Promise<Service> {
  const found = await serviceOf(settings, datagrams, address, port)
  if (typeof found === 'object') return found
  throw lookupError(found, 'getnameinfo', blamed)
}

/** Out of the promise, as what a callback throws is an uncaught exception and no rejection. */
function settle<T>(promise: Promise<T>, callback: Callback, results: (value: T) => unknown[]): void {
  promise.then(
    (value) => setImmediate(() => callback(null, ...results(value))),
    (error: Error) => setImmediate(() => callback(error))
  )
}

function promisified(fn: (...args: unknown[]) => unknown, names: readonly string[]) {
  return (...args: unknown[]) =>
    new Promise((resolve, reject) => {
      fn(...args, (error: Error | null, ...values: unknown[]) => {
        if (error !== null) reject(error)
        else if (values.length === 1) resolve(values[0])
        else resolve(Object.fromEntries(names.map((name, index) => [name, values[index]])))
      })
    })
}

/** Node returns an object of its own from look-ups; all that programs do with it is to print it. */
function requestObject(name: string, properties: object): object {
  const type = { [name]: class {} }[name] as new () => object
  return Object.assign(new type(), properties)
}

function named<F extends (...args: unknown[]) => unknown>(fn: F, name: string, length: number): F {
  return Object.defineProperties(fn, { name: { value: name }, length: { value: length } })
}

function apply(fn: unknown, args: readonly unknown[]): unknown {
  return (fn as (...args: readonly unknown[]) => unknown)(...args)
}
