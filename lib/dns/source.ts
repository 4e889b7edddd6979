/** Where a resolver's configuration is read from, and what tells networks apart. */
import { join } from 'node:path'

/**
 * What a stand-in for `node:dns` needs to know of the place it resolves for.
 *
 * Of each list of paths, the first that exists counts; a file is read again when it changes.
 */
export interface DnsSource {
  /** resolv.conf(5): servers, search list, options. Without any such file the server is 127.0.0.1. */
  readonly resolvConf: readonly string[]
  /** hosts(5). */
  readonly hosts: readonly string[]
  /** services(5), for `lookupService`. Default `['/etc/services']`. */
  readonly services?: readonly string[]
  /** The port of servers that state none. Default 53. */
  readonly port?: number
  /**
   * The identity of the network that a socket made now would be in. Queries that are in flight at the same time share a
   * socket only when it is the same for both; without this function, every try has a socket of its own.
   */
  readonly network?: () => unknown
}

/**
 * The files of a namespace, as `ip netns exec` shows them to a program: `/etc/netns/NAME/…` over `/etc/…`.
 *
 * @param name - the namespace's name; without one, `/etc` alone counts.
 * @param network - see {@link DnsSource.network}.
 * @param etc - Default `'/etc'`.
 */
export function etcSource(name: string | undefined, network?: () => unknown, etc = '/etc'): DnsSource {
  const own = name !== undefined && isFileName(name) ? [join(etc, 'netns', name)] : []
  const paths = (file: string) => [...own, etc].map((directory) => join(directory, file))
  return {
    resolvConf: paths('resolv.conf'),
    hosts: paths('hosts'),
    services: paths('services'),
    ...(network === undefined ? {} : { network })
  }
}

/** A name that cannot lead out of `/etc/netns`. */
function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}
