/** What tests of questions begin with. */
import { setImmediate as turn } from 'node:timers/promises'
import { createDns } from '../../lib/dns/dns.ts'
import { NOWHERE } from './files.ts'
import { a, type Say } from './name-server.ts'

export const ANSWER: Say = { answers: [a('x.test', '192.0.2.1')] }

export function resolver(
  servers: readonly string[],
  options: object = { timeout: 10_000, tries: 2 },
  source = NOWHERE
) {
  const made = new (createDns(source).promises.Resolver)(options)
  made.setServers(servers)
  return made
}

/** What was closed is gone after the turn in which it was. */
export async function settled(): Promise<void> {
  await turn()
  await turn()
}

export function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name.startsWith('UDP')).length
}
