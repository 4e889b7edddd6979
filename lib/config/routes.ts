/** `ip route`. */
import { invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { familyOf, parse, parsed } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { type Bulk, type BulkResult, send } from './bulk.ts'
import { checkLink, checkObject, checkU32, type LinkRef } from './check.ts'
import { noLink } from './errors.ts'
import { flushAll } from './flush.ts'
import { dumpForFlush, dumpNamed, type LinkNames, linkNames } from './names.ts'
import { later, now, type Operation } from './operation.ts'
import { decodeRoute, ROUTE_MESSAGE, type Route, RTA } from './route.ts'
import { type RouteFilter, RouteMatch } from './route-filter.ts'
import { describeRoute, type RouteSpec, writeRoute } from './route-spec.ts'
import { change, decodeAll, decodeFirst } from './transport.ts'
import { PROTOCOLS } from './words.ts'

/** `RTA_CACHEINFO`, `RTA_EXPIRES` and `RTA_NH_ID`: what there is about a route beyond itself. */
const OMITTED = new Set([12, 23, 30])

/** Where from a route is asked for. */
export interface RouteQuery {
  /** The address that packets come from. */
  from?: string | undefined
  /** The link that they leave by. */
  dev?: LinkRef | undefined
  /** The packets' mark. */
  mark?: number | undefined
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
   * @throws `ENODEV` if there is no such link; `ERR_NETNS_INTERRUPTED`, with `partial`
   */
  list(filter: RouteFilter = {}): Promise<Route[]> {
    return later(this.#list(filter))
  }

  /** As {@link list}, on this thread: for some tens of microseconds, and a millisecond for a thousand. */
  listSync(filter: RouteFilter = {}): Route[] {
    return now(this.#list(filter))
  }

  *#list(filter: RouteFilter): Operation<Route[]> {
    const match = new RouteMatch(filter)
    const decoder = (names: LinkNames) => {
      match.resolve(names, 'list routes')
      return (reader: Reader, message: Message) =>
        match.fits(reader, message) ? decodeRoute(reader, message, names) : undefined
    }
    const write = (request: Request) => askRoutes(request, match)
    return yield* dumpNamed(this.#namespace, write, decoder, 'list routes')
  }

  /**
   * The route that the kernel would take (`ip route get`).
   *
   * @throws `ENETUNREACH`, `EHOSTUNREACH` if there is none
   */
  get(to: string, options: RouteQuery = {}): Promise<Route> {
    return later(this.#get(to, options))
  }

  /** As {@link get}, on this thread: for some tens of microseconds. */
  getSync(to: string, options: RouteQuery = {}): Route {
    return now(this.#get(to, options))
  }

  *#get(to: string, options: RouteQuery): Operation<Route> {
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
    const names = yield* linkNames(this.#namespace)
    const reader = yield* change(this.#namespace, request.end(), `get the route to ${to}`)
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
  add(route: RouteSpec): Promise<void>
  add(routes: Iterable<RouteSpec>): Promise<BulkResult>
  add(routes: RouteSpec | Iterable<RouteSpec>): Promise<unknown> {
    return later(send(this.#namespace, routes, bulk('add', FLAG.create | FLAG.excl)))
  }

  /** As {@link add}, on this thread: for some ten microseconds each. */
  addSync(route: RouteSpec): void
  addSync(routes: Iterable<RouteSpec>): BulkResult
  addSync(routes: RouteSpec | Iterable<RouteSpec>): unknown {
    return now(send(this.#namespace, routes, bulk('add', FLAG.create | FLAG.excl)))
  }

  /** As {@link add}, but in place of a route to the same destination with the same metric. */
  replace(route: RouteSpec): Promise<void>
  replace(routes: Iterable<RouteSpec>): Promise<BulkResult>
  replace(routes: RouteSpec | Iterable<RouteSpec>): Promise<unknown> {
    return later(send(this.#namespace, routes, bulk('replace', FLAG.create | FLAG.replace)))
  }

  /** As {@link replace}, on this thread: for some ten microseconds each. */
  replaceSync(route: RouteSpec): void
  replaceSync(routes: Iterable<RouteSpec>): BulkResult
  replaceSync(routes: RouteSpec | Iterable<RouteSpec>): unknown {
    return now(send(this.#namespace, routes, bulk('replace', FLAG.create | FLAG.replace)))
  }

  /**
   * Deletes a route, or many (`RTM_DELROUTE`): the first one that what is given fits.
   *
   * @throws for one: `ESRCH` if none fits
   */
  delete(route: RouteSpec): Promise<void>
  delete(routes: Iterable<RouteSpec>): Promise<BulkResult>
  delete(routes: RouteSpec | Iterable<RouteSpec>): Promise<unknown> {
    return later(send(this.#namespace, routes, bulk('delete', 0, ROUTE_MESSAGE.delete)))
  }

  /** As {@link delete}, on this thread: for some ten microseconds each. */
  deleteSync(route: RouteSpec): void
  deleteSync(routes: Iterable<RouteSpec>): BulkResult
  deleteSync(routes: RouteSpec | Iterable<RouteSpec>): unknown {
    return now(send(this.#namespace, routes, bulk('delete', 0, ROUTE_MESSAGE.delete)))
  }

  /**
   * Deletes all routes of a table, or along a link, except what the kernel makes for itself.
   *
   * @returns how many were deleted
   * @throws as {@link list}
   */
  flush(filter: RouteFilter): Promise<number> {
    return later(this.#flush(filter))
  }

  /** As {@link flush}, on this thread: for some tens of microseconds, and about five more for each. */
  flushSync(filter: RouteFilter): number {
    return now(this.#flush(filter))
  }

  *#flush(filter: RouteFilter): Operation<number> {
    const match = new RouteMatch(checkObject(filter, 'filter'))
    const write = (request: Request) => askRoutes(request, match)
    const { names, reader } = yield* dumpForFlush(this.#namespace, write, 'flush routes')
    match.resolve(names, 'flush routes')
    const starts = yield* decodeAll(reader, (_, message) =>
      match.fits(reader, message) && reader.u8(message.start + 5) !== PROTOCOLS.kernel ? message.start : undefined
    )
    return yield* flushAll(this.#namespace, reader, starts, {
      type: ROUTE_MESSAGE.delete,
      header: 12,
      omitted: OMITTED,
      gone: 'ESRCH',
      describe: (_, message) => describeRoute('delete', decodeRoute(reader, message, names) as Route)
    })
  }
}

function askRoutes(request: Request, { family }: RouteMatch): void {
  request.begin(ROUTE_MESSAGE.get, FLAG.dump).u32(family).u32(0).u32(0).end()
}

function bulk(verb: string, flags: number, type: number = ROUTE_MESSAGE.new): Bulk<RouteSpec> {
  return {
    one: 'route',
    many: 'routes',
    write: (request, item, label, more) => writeRoute(request, item, label, flags | more, type),
    describe: (item) => describeRoute(verb, item)
  }
}
