/** A namespace whose network can be configured. */
import { Namespace } from '../namespace.ts'
import { Addresses } from './addresses.ts'
import { Links } from './links.ts'
import { type MonitorOptions, monitor, type NetworkEvent } from './monitor.ts'
import { Neighbours } from './neighbours.ts'
import { nsid, setNsid } from './nsid.ts'
import { Qdiscs } from './qdisc.ts'
import { Routes } from './routes.ts'
import { Rules } from './rules.ts'
import { Sysctl } from './sysctl.ts'
import { type Uplink, type UplinkOptions, uplink } from './uplink.ts'
import { type ReadyOptions, waitReady } from './wait-ready.ts'
import { WireGuard } from './wireguard.ts'

/**
 * The part of a `NetNs` that configures its network, by netlink. Every asynchronous call works off the JavaScript
 * thread. Calls that depend on each other have to be awaited: others may be done in any order.
 */
export class Configured extends Namespace {
  #links: Links | undefined
  #addresses: Addresses | undefined
  #routes: Routes | undefined
  #neighbours: Neighbours | undefined
  #rules: Rules | undefined
  #sysctl: Sysctl | undefined
  #qdisc: Qdiscs | undefined
  #wireguard: WireGuard | undefined

  /** Its links (`ip link`). */
  get links(): Links {
    this.#links ??= new Links(this)
    return this.#links
  }

  /** Its IP addresses (`ip address`). */
  get addresses(): Addresses {
    this.#addresses ??= new Addresses(this)
    return this.#addresses
  }

  /** Its routes (`ip route`). */
  get routes(): Routes {
    this.#routes ??= new Routes(this)
    return this.#routes
  }

  /** Its neighbours (`ip neighbour`, `bridge fdb`). */
  get neighbours(): Neighbours {
    this.#neighbours ??= new Neighbours(this)
    return this.#neighbours
  }

  /** Its routing rules (`ip rule`). */
  get rules(): Rules {
    this.#rules ??= new Rules(this)
    return this.#rules
  }

  /** Its kernel settings (`sysctl net.…`). */
  get sysctl(): Sysctl {
    this.#sysctl ??= new Sysctl(this)
    return this.#sysctl
  }

  /** How its links queue (`tc qdisc`). */
  get qdisc(): Qdiscs {
    this.#qdisc ??= new Qdiscs(this)
    return this.#qdisc
  }

  /** The keys and peers of its WireGuard links (`wg`). */
  get wireguard(): WireGuard {
    this.#wireguard ??= new WireGuard(this)
    return this.#wireguard
  }

  /**
   * What changes, from the call on (`ip monitor`). Nothing is lost and nothing told twice, even when events come faster
   * than they are read.
   *
   * @example
   * ```ts
   * for await (const { type, group, value } of red.monitor({ groups: ['link'] })) console.log(type, value.name)
   * ```
   * @throws the signal's reason once it is aborted
   */
  monitor(options?: MonitorOptions): AsyncIterableIterator<NetworkEvent> {
    return monitor(this, options)
  }

  /**
   * The id by which this namespace knows another one, if it has one.
   *
   * @throws `ERR_NETNS_CLOSED`
   */
  nsid(peer: Namespace): number | undefined {
    return nsid(this, peer)
  }

  /**
   * Gives another namespace an id here, which it keeps.
   *
   * @param id - by default the kernel's choice
   * @throws `EEXIST` if it has one, or another has this one
   */
  async setNsid(peer: Namespace, id?: number): Promise<number> {
    return setNsid(this, peer, id)
  }

  /**
   * Waits until every link that is up has its carrier, no address is being checked for duplicates, and, with `to`, there
   * is a route.
   *
   * @throws `ERR_NETNS_NOT_READY` with what is missing
   */
  async waitReady(options?: ReadyOptions): Promise<void> {
    return waitReady(this, options)
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
    return uplink(this, options)
  }
}
