/** What answers for names in a namespace, made once for each. */
import { createDns } from '../dns/dns.ts'
import { Requests } from '../dns/requests.ts'
import { Settings } from '../dns/settings.ts'
import { etcSource } from '../dns/source.ts'
import type { Namespace } from '../namespace.ts'
import { here } from './place.ts'

interface Names {
  dns: typeof import('node:dns')
  requests: Requests
}

const known = new WeakMap<Namespace, Names>()

/** The `node:dns` of a namespace. Its functions are to be called in a context of it. */
export function dnsOf(namespace: Namespace): typeof import('node:dns') {
  return namesOf(namespace).dns
}

/** What completes the requests of Node's own look-ups. To be called in a context of the namespace, too. */
export function requestsOf(namespace: Namespace): Requests {
  return namesOf(namespace).requests
}

function namesOf(namespace: Namespace): Names {
  let names = known.get(namespace)
  if (names === undefined) {
    const settings = new Settings(etcSource(namespace.name, here))
    names = { dns: createDns(settings), requests: new Requests(settings) }
    known.set(namespace, names)
  }
  return names
}
