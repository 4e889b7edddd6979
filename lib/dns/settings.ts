/** What all resolvers of a source have in common: what its files say now, and a spare socket. */
import { Gate } from './gate.ts'
import { type Hosts, parseHosts, parseServices } from './hosts.ts'
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts'
import type { DnsSource } from './source.ts'
import { Spare } from './spare.ts'
import { WatchedFile } from './watched-file.ts'

/** glibc reads no longer line than this allows for, and a list of servers never is that long. */
const LONGEST_CONF = 64 * 1024
/** Block lists of some hundred thousand names are in use. */
const LONGEST_HOSTS = 16 * 1024 * 1024
const LONGEST_SERVICES = 1024 * 1024

/** See the module. */
export class Settings {
  /** Shared, as one is enough for whoever asks next. */
  readonly spare: Spare
  /** Of all look-ups. */
  readonly gate = new Gate()
  readonly #source: DnsSource
  readonly #resolvConf: WatchedFile<ResolvConf>
  readonly #hosts: WatchedFile<Hosts>
  readonly #services: WatchedFile<ReadonlyMap<number, string>>

  /** @param own - see {@link Spare}. */
  constructor(source: DnsSource, own?: unknown) {
    this.#source = source
    this.spare = new Spare(() => this.network(), own)
    this.#resolvConf = new WatchedFile(source.resolvConf, (text) => parseResolvConf(text, source.port), LONGEST_CONF)
    this.#hosts = new WatchedFile(source.hosts, parseHosts, LONGEST_HOSTS)
    this.#services = new WatchedFile(source.services ?? ['/etc/services'], parseServices, LONGEST_SERVICES)
  }

  /** resolv.conf. */
  resolvConf(): ResolvConf {
    return this.#resolvConf.read()
  }

  /** resolv.conf, as it was in this turn of the event loop. */
  recentResolvConf(): ResolvConf {
    return this.#resolvConf.recent()
  }

  /** The hosts file. */
  hosts(): Hosts {
    return this.#hosts.read()
  }

  /** The names of TCP ports. */
  services(): ReadonlyMap<number, string> {
    return this.#services.read()
  }

  /** See {@link DnsSource.network}. */
  network(): unknown {
    return this.#source.network?.()
  }
}
