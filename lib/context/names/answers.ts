/** What answers for names in a namespace, made once for each. */
import { builtin } from '../../builtin.ts'
import { Channel, type ChannelOptions } from '../../dns/channel.ts'
import { createDns } from '../../dns/dns.ts'
import { Requests } from '../../dns/requests.ts'
import { Settings } from '../../dns/settings.ts'
import { etcSource } from '../../dns/source.ts'
import type { Namespace } from '../../namespace.ts'
import { parts } from '../../parts.ts'
import { here } from '../place.ts'

interface Names {
  settings: Settings
  dns: typeof import('node:dns')
  /** What the functions of `dns` ask. */
  channel: Channel
  requests: Requests
}

const known = new WeakMap<Namespace, Names>()
let isReady = false

/** The `node:dns` of a namespace. Its functions are to be called in a context of it. */
export function dnsOf(namespace: Namespace): typeof import('node:dns') {
  return namesOf(namespace).dns
}

/** What asks in a namespace for the functions of `node:dns`. */
export function defaultChannelOf(namespace: Namespace): Channel {
  return namesOf(namespace).channel
}

/** What completes the requests of Node's own look-ups. To be called in a context of the namespace, too. */
export function requestsOf(namespace: Namespace): Requests {
  return namesOf(namespace).requests
}

/** What asks in a namespace for a resolver of Node's, which checks by itself what is set. */
export function channelOf(namespace: Namespace, options: ChannelOptions): Channel {
  const { settings } = namesOf(namespace)
  return new Channel(settings, { setServers: () => 0, setLocalAddress() {} }, options)
}

/** A closed one is shared by nobody: what is asked in it is refused by the socket that it would need. */
function openNetwork(): Namespace | undefined {
  const place = here()
  return place?.closed ? undefined : place
}

function namesOf(namespace: Namespace): Names {
  let names = known.get(namespace)
  if (names === undefined) {
    prepare()
    const settings = new Settings(etcSource(namespace.name, openNetwork), namespace)
    namespace.whenClosed(() => settings.spare.close())
    const made: Partial<Names> = { settings, requests: new Requests(settings) }
    made.dns = createDns(settings, (resolver) => {
      made.channel = (resolver as unknown as { _handle: Channel })._handle
    })
    names = made as Names
    known.set(namespace, names)
  }
  return names
}

function prepare(): void {
  if (isReady) return
  // Its hooks come first.
  builtin('dns')
  parts.context.standIn(Channel)
  isReady = true
}
