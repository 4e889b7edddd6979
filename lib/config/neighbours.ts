/** `ip neighbour` and `bridge fdb`. */
import type { Namespace } from '../namespace.ts'
import { AF } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, type Request } from '../wire/request.ts'
import { type Bulk, type BulkResult, send, sendAll } from './bulk.ts'
import { checkFamilyNumber, checkLink, checkObject, type LinkRef } from './check.ts'
import { dumpNamed, type LinkNames } from './names.ts'
import { decodeNeighbour, NEIGHBOUR_MESSAGE, type Neighbour, NTF } from './neighbour.ts'
import { describeNeighbour, type NeighbourSpec, writeHeader, writeNeighbour } from './neighbour-spec.ts'
import { later, now, type Operation } from './operation.ts'

/** Which neighbours to list. */
export interface NeighbourFilter {
  /** Those on this link. Default: on all. */
  dev?: LinkRef | undefined
  /** Default: both. */
  family?: 4 | 6 | undefined
  /** Those answered for, instead of those known. */
  proxy?: boolean | undefined
  /** The forwarding databases of bridges and vxlans, instead. */
  fdb?: boolean | undefined
}

/** The neighbours of one namespace. Changes throw `EPERM` without `CAP_NET_ADMIN` there. */
export class Neighbours {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * All neighbours, or those that a filter lets through (`RTM_GETNEIGH`).
   *
   * @throws `ENODEV` if there is no such link; `ERR_NETNS_INTERRUPTED`, with `partial`
   */
  list(filter: NeighbourFilter = {}): Promise<Neighbour[]> {
    return later(this.#list(filter, () => true))
  }

  /** As {@link list}, on this thread: for some tens of microseconds, and a millisecond for a thousand. */
  listSync(filter: NeighbourFilter = {}): Neighbour[] {
    return now(this.#list(filter, () => true))
  }

  *#list(filter: NeighbourFilter, wanted: (neighbour: Neighbour) => boolean): Operation<Neighbour[]> {
    const family = checkFamilyNumber(filter.family, 'filter.family')
    const link = filter.dev === undefined ? undefined : checkLink(filter.dev, 'filter.dev')
    const write = (request: Request) => {
      request.begin(NEIGHBOUR_MESSAGE.get, FLAG.dump)
      writeHeader(request, filter.fdb ? AF.bridge : family, 0, 0, filter.proxy ? NTF.proxy : 0).end()
    }
    const decoder = (names: LinkNames) => {
      const index = link === undefined ? undefined : names.indexOf(link, 'list neighbours')
      return (reader: Reader, message: Message) => {
        const found = decodeNeighbour(reader, message, names)
        if (found === undefined || (index !== undefined && found.index !== index)) return undefined
        return wanted(found) ? found : undefined
      }
    }
    return yield* dumpNamed(this.#namespace, write, decoder, 'list neighbours')
  }

  /**
   * Adds a neighbour, or many (`RTM_NEWNEIGH`).
   *
   * @throws for one: `EEXIST`, `ENODEV`; `EOPNOTSUPP` for a forwarding database that the link does not have
   */
  add(neighbour: NeighbourSpec): Promise<void>
  add(neighbours: Iterable<NeighbourSpec>): Promise<BulkResult>
  add(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): Promise<unknown> {
    return later(send(this.#namespace, neighbours, bulk('add', FLAG.create | FLAG.excl)))
  }

  /** As {@link add}, on this thread: for some ten microseconds each. */
  addSync(neighbour: NeighbourSpec): void
  addSync(neighbours: Iterable<NeighbourSpec>): BulkResult
  addSync(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): unknown {
    return now(send(this.#namespace, neighbours, bulk('add', FLAG.create | FLAG.excl)))
  }

  /** As {@link add}, in place of what there is. */
  replace(neighbour: NeighbourSpec): Promise<void>
  replace(neighbours: Iterable<NeighbourSpec>): Promise<BulkResult>
  replace(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): Promise<unknown> {
    return later(send(this.#namespace, neighbours, bulk('replace', FLAG.create | FLAG.replace)))
  }

  /** As {@link replace}, on this thread: for some ten microseconds each. */
  replaceSync(neighbour: NeighbourSpec): void
  replaceSync(neighbours: Iterable<NeighbourSpec>): BulkResult
  replaceSync(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): unknown {
    return now(send(this.#namespace, neighbours, bulk('replace', FLAG.create | FLAG.replace)))
  }

  /**
   * Deletes a neighbour, or many (`RTM_DELNEIGH`).
   *
   * @throws for one: `ENOENT`
   */
  delete(neighbour: NeighbourSpec): Promise<void>
  delete(neighbours: Iterable<NeighbourSpec>): Promise<BulkResult>
  delete(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): Promise<unknown> {
    return later(send(this.#namespace, neighbours, bulk('delete', 0, NEIGHBOUR_MESSAGE.delete)))
  }

  /** As {@link delete}, on this thread: for some ten microseconds each. */
  deleteSync(neighbour: NeighbourSpec): void
  deleteSync(neighbours: Iterable<NeighbourSpec>): BulkResult
  deleteSync(neighbours: NeighbourSpec | Iterable<NeighbourSpec>): unknown {
    return now(send(this.#namespace, neighbours, bulk('delete', 0, NEIGHBOUR_MESSAGE.delete)))
  }

  /**
   * Deletes all neighbours of a link, or that a filter lets through, except the kernel's own (`noarp`).
   *
   * @returns how many were deleted
   * @throws as {@link list}
   */
  flush(filter: NeighbourFilter): Promise<number> {
    return later(this.#flush(filter))
  }

  /** As {@link flush}, on this thread: for some tens of microseconds, and about ten more for each. */
  flushSync(filter: NeighbourFilter): number {
    return now(this.#flush(filter))
  }

  *#flush(filter: NeighbourFilter): Operation<number> {
    const found = yield* this.#list(checkObject(filter, 'filter'), ({ state }) => state !== 'noarp')
    const { done, failed } = yield* sendAll(this.#namespace, found, bulk('delete', 0, NEIGHBOUR_MESSAGE.delete))
    const other = failed.find(({ error }) => error.code !== 'ENOENT')
    if (other !== undefined) throw other.error
    return done
  }
}

function bulk(verb: string, flags: number, type: number = NEIGHBOUR_MESSAGE.new): Bulk<NeighbourSpec> {
  return {
    one: 'neighbour',
    many: 'neighbours',
    write: (request, item, label, more) => writeNeighbour(request, item, label, flags | more, type),
    describe: (item) => describeNeighbour(verb, item)
  }
}
