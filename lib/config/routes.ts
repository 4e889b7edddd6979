/** `ip route`. */
import { invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { familyOf, parse, parsed } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { type BulkResult, sendAll } from './bulk.ts'
import { checkLink, checkObject, checkU32, isIterable, type LinkRef } from './check.ts'
import { noLink } from './errors.ts'
import { flushAll } from './flush.ts'
import { dumpForFlush, dumpNamed, type LinkNames, linkNames } from './names.ts'
import { decodeRoute, ROUTE_MESSAGE, type Route, RTA } from './route.ts'
import { type RouteFilter, RouteMatch } from './route-filter.ts'
import { describeRoute, type RouteSpec, writeRoute } from './route-spec.ts'
import { change, decodeAll, decodeFirst } from './transport.ts'
import { PROTOCOLS } from './words.ts'

/** `RTA_CACHEINFO`, `RTA_EXPIRES` and `RTA_NH_ID`: what there is about a route beyond itself. */
const OMITTED = new Set([12, 23, 30])

/** Where from a route is asked for. */
export interface RouteQuery {
  from?: string
  dev?: LinkRef
  mark?: number
}

/** The routes of one namespace. Changes throw `EPERM` without `CAP_NET_ADMIN` there. */
export class Routes {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * The routes of table `main`, or those that a filter lets through (`RTM_GETROUTE`).
   *
   * @throws `ERR_NETNS_INTERRUPTED`, with `partial`
   */
  async list(filter: RouteFilter = {}): Promise<Route[]> {
    const match = new RouteMatch(filter)
    const decoder = (names: LinkNames) => {
      match.resolve(names, 'list routes')
      return (reader: Reader, message: Message) =>
        match.fits(reader, message) ? decodeRoute(reader, message, names) : undefined
    }
    return dumpNamed(this.#namespace, askRoutes(match), decoder, 'list routes')
  }

  /**
   * The route that the kernel would take (`ip route get`).
   *
   * @throws `ENETUNREACH`, `EHOSTUNREACH` if there is none
   */
  async get(to: string, options: RouteQuery = {}): Promise<Route> {
    parse(to, 'to', 'none')
    const { size } = parsed
    const request = new Request().begin(ROUTE_MESSAGE.get, FLAG.ack)
    request.u8(familyOf(size)).u8(size * 8)
    const at = parsed.bytes.slice(0, size)
    let from: Uint8Array | undefined
    if (options.from !== undefined) {
      parse(options.from, 'options.from', 'none')
      if (parsed.size !== size) throw invalidValue('options.from', options.from, 'it is of another family')
      from = parsed.bytes.slice(0, size)
    }
    request
      .u8(from === undefined ? 0 : size * 8)
      .u8(0)
      .u32(0)
      .u32(0)
    request.attributeRaw(RTA.to, at)
    if (from !== undefined) request.attributeRaw(RTA.from, from)
    if (options.dev !== undefined) request.attributeLink(RTA.dev, checkLink(options.dev, 'options.dev'))
    if (options.mark !== undefined) request.attributeU32(RTA.mark, checkU32(options.mark, 'options.mark'))
    const names = await linkNames(this.#namespace)
    const reader = await change(this.#namespace, request.end(), `get the route to ${to}`)
    const route = decodeFirst(reader, (r, message) => decodeRoute(r, message, names))
    if (route === undefined) throw noLink(to, `get the route to ${to}`)
    return route
  }

  /**
   * Adds a route, or many (`RTM_NEWROUTE`).
   *
   * @example
   * ```ts
   * await red.routes.add({ to: 'default', via: '10.0.0.1' })
   * ```
   * @returns for many: how many took, and what failed
   * @throws for one: `EEXIST`, `ENETUNREACH` if the gateway is not reachable, `ENODEV`
   */
  async add(route: RouteSpec): Promise<void>
  async add(routes: Iterable<RouteSpec>): Promise<BulkResult>
  async add(routes: RouteSpec | Iterable<RouteSpec>): Promise<unknown> {
    return this.#send('add', routes, FLAG.create | FLAG.excl)
  }

  /** As {@link add}, but in place of a route to the same destination with the same metric. */
  async replace(route: RouteSpec): Promise<void>
  async replace(routes: Iterable<RouteSpec>): Promise<BulkResult>
  async replace(routes: RouteSpec | Iterable<RouteSpec>): Promise<unknown> {
    return this.#send('replace', routes, FLAG.create | FLAG.replace)
  }

  /**
   * Deletes a route, or many (`RTM_DELROUTE`): the first one that what is given fits.
   *
   * @throws for one: `ESRCH` if none fits
   */
  async delete(route: RouteSpec): Promise<void>
  async delete(routes: Iterable<RouteSpec>): Promise<BulkResult>
  async delete(routes: RouteSpec | Iterable<RouteSpec>): Promise<unknown> {
    return this.#send('delete', routes, 0, ROUTE_MESSAGE.delete)
  }

  /**
   * Deletes all routes of a table, or along a link, except what the kernel makes for itself.
   *
   * @returns how many were deleted
   */
  async flush(filter: RouteFilter): Promise<number> {
    const match = new RouteMatch(checkObject(filter, 'filter'))
    const { names, reader } = await dumpForFlush(this.#namespace, askRoutes(match), 'flush routes')
    match.resolve(names, 'flush routes')
    const starts = await decodeAll(reader, (_, message) =>
      match.fits(reader, message) && reader.u8(message.start + 5) !== PROTOCOLS.kernel ? message.start : undefined
    )
    return flushAll(this.#namespace, reader, starts, {
      type: ROUTE_MESSAGE.delete,
      header: 12,
      omitted: OMITTED,
      gone: 'ESRCH',
      describe: (_, message) => describeRoute('delete', decodeRoute(reader, message, names) as Route)
    })
  }

  async #send(
    verb: string,
    items: RouteSpec | Iterable<RouteSpec>,
    flags: number,
    type: number = ROUTE_MESSAGE.new
  ): Promise<undefined | BulkResult> {
    if (isIterable(items)) {
      return sendAll(this.#namespace, items, {
        name: 'routes',
        write: (request, item, label) => writeRoute(request, item, label, flags, type),
        describe: (item) => describeRoute(verb, item)
      })
    }
    const request = new Request()
    writeRoute(request, items, 'route', flags | FLAG.ack, type)
    await change(this.#namespace, request, describeRoute(verb, items))
  }
}

function askRoutes({ family }: RouteMatch): Request {
  return new Request().begin(ROUTE_MESSAGE.get, FLAG.dump).u8(family).raw(new Uint8Array(11)).end()
}
