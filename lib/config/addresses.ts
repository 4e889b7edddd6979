/** `ip address`. */
import type { Namespace } from '../namespace.ts'
import { AF } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import {
  ADDRESS_MESSAGE,
  type Address,
  type AddressSpec,
  decodeAddress,
  describeAddress,
  writeAddress
} from './address.ts'
import { type BulkResult, sendAll } from './bulk.ts'
import { checkFamily, checkLink, checkObject, isIterable, type LinkRef } from './check.ts'
import { flushAll } from './flush.ts'
import { dumpForFlush, dumpNamed, type Names } from './names.ts'
import { change, decodeAll } from './transport.ts'

/** Which addresses to list or flush. */
export interface AddressFilter {
  dev?: LinkRef
  family?: 4 | 6
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
  async list(filter: AddressFilter = {}): Promise<Address[]> {
    const request = askAddresses(filter)
    const decoder = (names: Names) => (reader: Reader, message: Message) => decodeAddress(reader, message, names)
    return dumpNamed(this.#namespace, request, decoder, 'list addresses')
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
  async add(address: AddressSpec): Promise<void>
  async add(addresses: Iterable<AddressSpec>): Promise<BulkResult>
  async add(addresses: AddressSpec | Iterable<AddressSpec>): Promise<unknown> {
    return this.#send('add', addresses, FLAG.create | FLAG.excl)
  }

  /** As {@link add}, but an address that is there gets the new options. */
  async replace(address: AddressSpec): Promise<void>
  async replace(addresses: Iterable<AddressSpec>): Promise<BulkResult>
  async replace(addresses: AddressSpec | Iterable<AddressSpec>): Promise<unknown> {
    return this.#send('replace', addresses, FLAG.create | FLAG.replace)
  }

  /**
   * Takes an address, or many, away (`RTM_DELADDR`).
   *
   * @throws for one: `EADDRNOTAVAIL` if the link has no such address
   */
  async delete(address: AddressSpec): Promise<void>
  async delete(addresses: Iterable<AddressSpec>): Promise<BulkResult>
  async delete(addresses: AddressSpec | Iterable<AddressSpec>): Promise<unknown> {
    return this.#send('delete', addresses, 0, ADDRESS_MESSAGE.delete)
  }

  /**
   * Takes all addresses of a link away.
   *
   * @returns how many there were
   */
  async flush(filter: AddressFilter & { dev: LinkRef }): Promise<number> {
    const link = checkLink(checkObject(filter, 'filter').dev, 'filter.dev')
    const { names, reader } = await dumpForFlush(this.#namespace, askAddresses(filter), 'flush addresses')
    // A kernel before 4.20 tells of all links.
    const index = names.indexOf(link, 'flush addresses')
    const starts = await decodeAll(reader, (_, { type, start }) => {
      if (type !== ADDRESS_MESSAGE.new || reader.u32(start + 4) !== index) return undefined
      const family = reader.u8(start)
      return family === AF.inet || family === AF.inet6 ? start : undefined
    })
    await flushAll(this.#namespace, reader, starts, {
      type: ADDRESS_MESSAGE.delete,
      header: 8,
      omitted: new Set(),
      // IPv4's secondary addresses go with their primary one.
      gone: 'EADDRNOTAVAIL',
      describe: (_, message) => describeAddress('delete', decodeAddress(reader, message, names) as Address)
    })
    return starts.length
  }

  async #send(
    verb: string,
    items: AddressSpec | Iterable<AddressSpec>,
    flags: number,
    type: number = ADDRESS_MESSAGE.new
  ): Promise<undefined | BulkResult> {
    const write = (request: Request, item: AddressSpec, label: string) => {
      const link = checkLink(checkObject(item, label).dev, `${label}.dev`)
      writeAddress(request, item, link, label, flags | FLAG.ack, type)
    }
    if (isIterable(items)) {
      return sendAll(this.#namespace, items, {
        name: 'addresses',
        write,
        describe: (item) => describeAddress(verb, item)
      })
    }
    const request = new Request()
    write(request, items, 'address')
    await change(this.#namespace, request, describeAddress(verb, items))
  }
}

function askAddresses({ family: version, dev }: AddressFilter): Request {
  const family = checkFamily(version, 'filter.family')
  const link = dev === undefined ? 0 : checkLink(dev, 'filter.dev')
  const request = new Request().begin(ADDRESS_MESSAGE.get, FLAG.dump)
  return request
    .u8(family === undefined ? AF.unspec : family === 4 ? AF.inet : AF.inet6)
    .u8(0)
    .u8(0)
    .u8(0)
    .link(link)
    .end()
}
