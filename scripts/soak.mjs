/**
 * `npm run soak`: 1,000 connections in each of 20 namespaces from one process, open for a minute with traffic, whose own
 * network is none. `-- --namespaces 2 --connections 50 --seconds 5 --pause 1` for another size; `--node PATH` for another
 * Node.
 */
import { join } from 'node:path'
import { isolate, isolated, ordinary } from './isolate.mjs'
import { fail, prepare, root, run } from './prepare.mjs'

/** Both ends of 20,000 connections, and room. */
const DESCRIPTORS = 65_536

const wanted = process.argv.slice(2)
const at = wanted.indexOf('--node')
const [, node] = at < 0 ? [] : wanted.splice(at, 2)

if (ordinary && !isolated) {
  fail('Only root may have so many descriptors and go into each namespace.', 'Run it as root.')
} else if (isolated) {
  const { offlineArgv } = await import('../__test__/offline/offline.mjs')
  const program = join(root, '__test__', 'context', 'programs', 'soak.mjs')
  const argv = offlineArgv([node ?? process.execPath, '--expose-gc', program, ...wanted])
  run('prlimit', [`--nofile=${DESCRIPTORS}:${DESCRIPTORS}`, ...argv])
} else {
  prepare()
  process.exitCode = await isolate([join(root, 'scripts', 'soak.mjs'), ...process.argv.slice(2)])
}
