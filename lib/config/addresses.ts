/** `ip address`. */
import type { Namespace } from '../namespace.ts'
import { AF } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, type Request } from '../wire/request.ts'
import {
  ADDRESS_MESSAGE,
  type Address,
  type AddressSpec,
  decodeAddress,
  describeAddress,
  writeAddress
} from './address.ts'
import { type Bulk, type BulkResult, send } from './bulk.ts'
import { checkFamilyNumber, checkLink, checkObject, type LinkRef } from './check.ts'
import { flushAll } from './flush.ts'
import { dumpForFlush, dumpNamed, type Names } from './names.ts'
import { later, now, type Operation } from './operation.ts'
import { decodeAll } from './transport.ts'

/** Which addresses to list or flush. */
export interface AddressFilter {
  /** Those of this link. Default: of all. */
  dev?: LinkRef | undefined
  /** Default: both. */
  family?: 4 | 6 | undefined
}

/** The IP addresses of one namespace. Changes throw `EPERM` without `CAP_NET_ADMIN` there. */
export class Addresses {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * All addresses, or those of one link or family (`RTM_GETADDR`).
   *
   * @throws `ENODEV` if there is no such link, `ERR_NETNS_INTERRUPTED`
   */
  list(filter: AddressFilter = {}): Promise<Address[]> {
    return later(this.#list(filter))
  }

  /** As {@link list}, on this thread: for some tens of microseconds, and a millisecond for a thousand. */
  listSync(filter: AddressFilter = {}): Address[] {
    return now(this.#list(filter))
  }

  *#list(filter: AddressFilter): Operation<Address[]> {
    const write = (request: Request) => askAddresses(request, filter)
    const decoder = (names: Names) => (reader: Reader, message: Message) => decodeAddress(reader, message, names)
    return yield* dumpNamed(this.#namespace, write, decoder, 'list addresses')
  }

  /**
   * Gives an address to a link, or many to theirs (`RTM_NEWADDR`).
   *
   * @example
   * ```ts
   * await red.addresses.add({ dev: 'eth0', address: '10.0.0.1/24' })
   * ```
   * @returns for many: how many took, and what failed
   * @throws for one: `EEXIST`, `ENODEV`, …
   */
  add(address: AddressSpec): Promise<void>
  add(addresses: Iterable<AddressSpec>): Promise<BulkResult>
  add(addresses: AddressSpec | Iterable<AddressSpec>): Promise<unknown> {
    return later(send(this.#namespace, addresses, bulk('add', FLAG.create | FLAG.excl)))
  }

  /** As {@link add}, on this thread: for some tens of microseconds each. */
  addSync(address: AddressSpec): void
  addSync(addresses: Iterable<AddressSpec>): BulkResult
  addSync(addresses: AddressSpec | Iterable<AddressSpec>): unknown {
    return now(send(this.#namespace, addresses, bulk('add', FLAG.create | FLAG.excl)))
  }

  /** As {@link add}, but an address that is there gets the new options. */
  replace(address: AddressSpec): Promise<void>
  replace(addresses: Iterable<AddressSpec>): Promise<BulkResult>
  replace(addresses: AddressSpec | Iterable<AddressSpec>): Promise<unknown> {
    return later(send(this.#namespace, addresses, bulk('replace', FLAG.create | FLAG.replace)))
  }

  /** As {@link replace}, on this thread: for some tens of microseconds each. */
  replaceSync(address: AddressSpec): void
  replaceSync(addresses: Iterable<AddressSpec>): BulkResult
  replaceSync(addresses: AddressSpec | Iterable<AddressSpec>): unknown {
    return now(send(this.#namespace, addresses, bulk('replace', FLAG.create | FLAG.replace)))
  }

  /**
   * Takes an address, or many, away (`RTM_DELADDR`).
   *
   * @throws for one: `EADDRNOTAVAIL` if the link has no such address
   */
  delete(address: AddressSpec): Promise<void>
  delete(addresses: Iterable<AddressSpec>): Promise<BulkResult>
  delete(addresses: AddressSpec | Iterable<AddressSpec>): Promise<unknown> {
    return later(send(this.#namespace, addresses, bulk('delete', 0, ADDRESS_MESSAGE.delete)))
  }

  /** As {@link delete}, on this thread: for some tens of microseconds each. */
  deleteSync(address: AddressSpec): void
  deleteSync(addresses: Iterable<AddressSpec>): BulkResult
  deleteSync(addresses: AddressSpec | Iterable<AddressSpec>): unknown {
    return now(send(this.#namespace, addresses, bulk('delete', 0, ADDRESS_MESSAGE.delete)))
  }

  /**
   * Takes all addresses of a link away.
   *
   * @returns how many there were
   * @throws as {@link list}
   */
  flush(filter: AddressFilter & { dev: LinkRef }): Promise<number> {
    return later(this.#flush(filter))
  }

  /** As {@link flush}, on this thread: for some tens of microseconds, and as much again for each. */
  flushSync(filter: AddressFilter & { dev: LinkRef }): number {
    return now(this.#flush(filter))
  }

  *#flush(filter: AddressFilter & { dev: LinkRef }): Operation<number> {
    const link = checkLink(checkObject(filter, 'filter').dev, 'filter.dev')
    const write = (request: Request) => askAddresses(request, filter)
    const { names, reader } = yield* dumpForFlush(this.#namespace, write, 'flush addresses')
    // A kernel before 4.20 tells of all links.
    const index = names.indexOf(link, 'flush addresses')
    const starts = yield* decodeAll(reader, (_, { type, start }) => {
      if (type !== ADDRESS_MESSAGE.new || reader.u32(start + 4) !== index) return undefined
      const family = reader.u8(start)
      return family === AF.inet || family === AF.inet6 ? start : undefined
    })
    yield* flushAll(this.#namespace, reader, starts, {
      type: ADDRESS_MESSAGE.delete,
      header: 8,
      omitted: new Set(),
      // IPv4's secondary addresses go with their primary one.
      gone: 'EADDRNOTAVAIL',
      describe: (_, message) => describeAddress('delete', decodeAddress(reader, message, names) as Address)
    })
    return starts.length
  }
}

function askAddresses(request: Request, { family: version, dev }: AddressFilter): void {
  const family = checkFamilyNumber(version, 'filter.family')
  const link = dev === undefined ? 0 : checkLink(dev, 'filter.dev')
  request.begin(ADDRESS_MESSAGE.get, FLAG.dump)
  request.u32(family).link(link).end()
}

function bulk(verb: string, flags: number, type: number = ADDRESS_MESSAGE.new): Bulk<AddressSpec> {
  return {
    one: 'address',
    many: 'addresses',
    write: (request, item, label) => {
      const link = checkLink(checkObject(item, label).dev, `${label}.dev`)
      writeAddress(request, item, link, label, flags | FLAG.ack, type)
    },
    describe: (item) => describeAddress(verb, item)
  }
}
