/** A namespace whose network can be configured. */
import { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import type { Addresses } from './addresses.ts'
import type { Links } from './links.ts'
import type { MonitorOptions } from './monitor.ts'
import type { MonitorGroup, NetworkEvent } from './monitored.ts'
import type { Neighbours } from './neighbours.ts'
import type { Qdiscs } from './qdisc.ts'
import type { Routes } from './routes.ts'
import type { Rules } from './rules.ts'
import type { Sysctl } from './sysctl.ts'
import type { Uplink, UplinkOptions } from './uplink.ts'
import type { ReadyOptions } from './wait-ready.ts'
import type { WireGuard } from './wireguard.ts'

/** What was asked for so far, in one place, as each field of its own would take its time whenever a handle is opened. */
interface Parts {
  links?: Links
  addresses?: Addresses
  routes?: Routes
  neighbours?: Neighbours
  rules?: Rules
  sysctl?: Sysctl
  qdisc?: Qdiscs
  wireguard?: WireGuard
}

/**
 * The part of a `NetNs` that configures its network, by netlink. Every asynchronous call works off the JavaScript
 * thread. Calls that depend on each other have to be awaited: others may be done in any order. What ends in `Sync` works
 * on the JavaScript thread, which does nothing else meanwhile, after what was asked of the same handle before.
 */
export class Configured extends Namespace {
  /** Static, as a method of its own would mark every handle. */
  static #own(namespace: Configured): Parts {
    namespace.#parts ??= {}
    return namespace.#parts
  }

  #parts: Parts | undefined

  /** Its links (`ip link`). */
  get links(): Links {
    const own = Configured.#own(this)
    own.links ??= new parts.config.Links(this)
    return own.links
  }

  /** Its IP addresses (`ip address`). */
  get addresses(): Addresses {
    const own = Configured.#own(this)
    own.addresses ??= new parts.config.Addresses(this)
    return own.addresses
  }

  /** Its routes (`ip route`). */
  get routes(): Routes {
    const own = Configured.#own(this)
    own.routes ??= new parts.config.Routes(this)
    return own.routes
  }

  /** Its neighbours (`ip neighbour`, `bridge fdb`). */
  get neighbours(): Neighbours {
    const own = Configured.#own(this)
    own.neighbours ??= new parts.further.Neighbours(this)
    return own.neighbours
  }

  /** Its routing rules (`ip rule`). */
  get rules(): Rules {
    const own = Configured.#own(this)
    own.rules ??= new parts.further.Rules(this)
    return own.rules
  }

  /** Its kernel settings (`sysctl net.…`). */
  get sysctl(): Sysctl {
    const own = Configured.#own(this)
    own.sysctl ??= new parts.config.Sysctl(this)
    return own.sysctl
  }

  /** How its links queue (`tc qdisc`). */
  get qdisc(): Qdiscs {
    const own = Configured.#own(this)
    own.qdisc ??= new parts.further.Qdiscs(this)
    return own.qdisc
  }

  /** The keys and peers of its WireGuard links (`wg`). */
  get wireguard(): WireGuard {
    const own = Configured.#own(this)
    own.wireguard ??= new parts.further.WireGuard(this)
    return own.wireguard
  }

  /**
   * What changes, from the call on (`ip monitor`). Nothing is lost and nothing told twice, even when events come faster
   * than they are read.
   *
   * @example
   * ```ts
   * for await (const { type, value } of red.monitor({ groups: ['link'] })) console.log(type, value.name)
   * ```
   * @throws the signal's reason once it is aborted
   */
  monitor<Group extends MonitorGroup = Exclude<MonitorGroup, 'neighbour'>>(
    options?: MonitorOptions<Group>
  ): AsyncIterableIterator<NetworkEvent<Group>> {
    return parts.further.monitor(this, options) as AsyncIterableIterator<NetworkEvent<Group>>
  }

  /**
   * The id by which this namespace knows another one, if it has one.
   *
   * @throws `ERR_NETNS_CLOSED`
   */
  nsid(peer: Namespace): number | undefined {
    return parts.config.nsid(this, peer)
  }

  /**
   * Gives another namespace an id here, which it keeps.
   *
   * @param id - by default the kernel's choice
   * @throws `EEXIST` if it has one, or another has this one
   */
  async setNsid(peer: Namespace, id?: number): Promise<number> {
    return parts.config.setNsid(this, peer, id)
  }

  /** As {@link setNsid}, on this thread: for some ten microseconds. */
  setNsidSync(peer: Namespace, id?: number): number {
    return parts.config.setNsidSync(this, peer, id)
  }

  /**
   * Waits until every link that is up has its carrier, no address is being checked for duplicates, and, with `to`, there
   * is a route.
   *
   * @throws `ERR_NETNS_NOT_READY` with what is missing
   */
  async waitReady(options?: ReadyOptions): Promise<void> {
    return parts.further.waitReady(this, options)
  }

  /**
   * Gives this namespace the outside: a veth to another namespace, which forwards and masquerades (NAT).
   *
   * @example
   * ```ts
   * await using out = await red.uplink()
   * ```
   * @throws before anything is changed: `EPERM`, `ENETUNREACH` if the other namespace has no way out itself, and what
   * nftables says where the kernel lacks it
   */
  async uplink(options?: UplinkOptions): Promise<Uplink> {
    return parts.further.uplink(this, options)
  }
}
