/** What getnameinfo(3) does for `dns.lookupService`. */
import { EAI } from './errors.ts'
import type { Failure } from './getaddrinfo.ts'
import { Query } from './query.ts'
import { failureOf, pointers } from './records.ts'
import { reverseName } from './reverse.ts'
import type { Settings } from './settings.ts'
import type { Datagrams } from './udp.ts'
import { ask } from './wire.ts'

/** Host and service by their names. */
export interface Service {
  readonly hostname: string
  readonly service: string
}

/** The names of an address and of a TCP port; a port without a name stays a number, an address without one fails. */
export async function serviceOf(
  settings: Settings,
  datagrams: Datagrams,
  address: string,
  port: number
): Promise<Service | Failure> {
  const service = settings.services().get(port) ?? String(port)
  const [known] = settings.hosts().names(address)
  if (known !== undefined) return { hostname: known, service }
  const hostname = await pointer(settings, datagrams, reverseName(address) ?? '')
  return typeof hostname === 'object' ? { hostname: hostname.name, service } : hostname
}

function pointer(settings: Settings, datagrams: Datagrams, name: string): Promise<{ name: string } | Failure> {
  const conf = settings.resolvConf()
  const plan = {
    servers: conf.servers,
    timeout: conf.timeout ?? 5000,
    tries: conf.attempts ?? 2,
    backoff: false,
    maxTimeout: 0,
    skipsReferrals: true,
    tcp: conf.useVc,
    local: {},
    network: settings.network()
  }
  return new Promise((resolve) => {
    new Query(plan, ask(name, 'PTR', conf), datagrams, (code, reply) => {
      const failure = code ?? (reply === undefined ? 'EBADRESP' : failureOf(reply))
      const [first] = pointers(reply?.answers ?? [])
      if (failure === undefined && first !== undefined) resolve({ name: first })
      else if (failure?.startsWith('ERR_')) resolve(failure)
      else resolve(failure === undefined || failure === 'ENOTFOUND' || failure === 'ENODATA' ? EAI.NONAME : EAI.AGAIN)
    })
  })
}
