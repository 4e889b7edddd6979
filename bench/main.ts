/** Runs the suites; started by `npm run bench`, which builds what they need. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measure } from './measure.ts'
import { available, Peer } from './peer.ts'
import { useNode } from './peers.ts'
import { Report } from './report.ts'
import type { PeerCommand, Suite } from './suite.ts'

const folder = join(import.meta.dirname, 'suites')
const names = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''))
const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    operation: { type: 'string', multiple: true },
    node: { type: 'string' }
  }
})
if (values.node !== undefined) useNode(values.node)
for (const name of values.only ?? []) {
  if (!names.includes(name)) {
    console.error(`There is no suite '${name}'; there are: ${names.join(', ')}`)
    process.exit(1)
  }
}

const time = new Date().toISOString().replaceAll(':', '-')
const report = new Report(join(import.meta.dirname, 'results', `${time}.jsonl`))
for (const name of values.only ?? names) {
  const { suite } = (await import(`./suites/${name}.ts`)) as { suite: Suite }
  await runSuite(suite)
}
report.end()

async function runSuite(suite: Suite): Promise<void> {
  const peers = new Map<string, Peer>()
  const processes = new Map<PeerCommand, Peer>()
  await suite.setup?.()
  try {
    for (const [label, command] of Object.entries(suite.peers)) {
      const peer = processes.get(command) ?? (available(command) ? new Peer(command) : undefined)
      if (peer !== undefined) {
        processes.set(command, peer)
        peers.set(label, peer)
      } else console.log(`Without ${label}: ${command.needs} is missing.\n`)
    }
    for (const operation of suite.operations) {
      if (values.operation?.some((part) => operation.name.includes(part)) === false) continue
      report.add(operation, await measure(operation, peers))
    }
  } finally {
    await Promise.all([...processes.values()].map((peer) => peer.end()))
    await suite.teardown?.()
  }
}
