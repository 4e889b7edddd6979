/** What tests of look-ups begin with. */
import { createDns } from '../../lib/dns/dns.ts'
import { Files } from './files.ts'
import { type Answering, a, aaaa, nameServer } from './name-server.ts'

export const A = 1
const AAAA = 28
const PTR = 12

/** A zone: what each name has; every other does not exist. */
export function zone(names: Record<string, readonly object[]>): Answering {
  const types: Record<number, string> = { [A]: 'A', [AAAA]: 'AAAA', [PTR]: 'PTR' }
  return ({ name, type }) => {
    const records = names[name.toLowerCase()]
    if (records === undefined) return { rcode: 3 }
    return { answers: records.filter((record) => ['CNAME', types[type]].includes((record as { type: string }).type)) }
  }
}

/** A server that answers so, and our module with these files. */
export async function setUp(answering: Answering, conf = '', hosts = '', services = '') {
  const server = await nameServer(answering)
  const files = new Files()
  files.write('resolv.conf', `nameserver 127.0.0.1\n${conf}\n`)
  files.write('hosts', hosts)
  files.write('services', services)
  const dns = createDns(files.source({ port: server.port }))
  return {
    server,
    files,
    dns,
    lookup: dns.promises.lookup,
    asked: () =>
      server.asked.map(({ name, type }) => `${name} ${type === AAAA ? 'AAAA' : type === A ? 'A' : type}`).sort(),
    async [Symbol.asyncDispose]() {
      files[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    }
  }
}

export const BOTH = { 'x.test': [a('x.test', '127.0.0.5'), aaaa('x.test', '::1'), a('x.test', '127.0.0.6')] }
