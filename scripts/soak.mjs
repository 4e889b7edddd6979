/**
 * `npm run soak`: 1,000 connections in each of 20 namespaces from one process, open for a minute with traffic, whose own
 * network is none. `-- --namespaces 2 --connections 50 --seconds 5 --pause 1` for another size; `--node PATH` for another
 * Node. Where this machine does not allow that many descriptors, the servers are processes of their own.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { isolate, isolated, ordinary } from './isolate.mjs'
import { fail, prepare, root, run } from './prepare.mjs'

/** Both ends of 20,000 connections, and room. */
const DESCRIPTORS = 65_536
/** What a process has open beside its connections. */
const OTHERS = 100
const sizes = {
  namespaces: { type: 'string', default: '20' },
  connections: { type: 'string', default: '1000' }
}

const wanted = process.argv.slice(2)
const at = wanted.indexOf('--node')
const [, node] = at < 0 ? [] : wanted.splice(at, 2)

if (ordinary && !isolated) {
  fail('Only root may have so many descriptors and go into each namespace.', 'Run it as root.')
} else if (isolated) {
  const { offlineArgv } = await import('../__test__/offline/offline.mjs')
  const program = join(root, '__test__', 'context', 'programs', 'soak.mjs')
  const limit = limitOfDescriptors()
  const apart = limit < DESCRIPTORS ? ['--apart'] : []
  checkSize(limit)
  if (limit < DESCRIPTORS) console.log(`With ${limit} descriptors at most, each server is a process of its own.`)
  const argv = offlineArgv([node ?? process.execPath, '--expose-gc', program, ...apart, ...wanted])
  run('prlimit', [`--nofile=${limit}:${limit}`, ...argv])
} else {
  prepare()
  process.exitCode = await isolate([join(root, 'scripts', 'soak.mjs'), ...process.argv.slice(2)])
}

/** As many as are needed; where that is refused, as many as there may be. */
function limitOfDescriptors() {
  if (spawnSync('prlimit', [`--nofile=${DESCRIPTORS}:${DESCRIPTORS}`, 'true']).status === 0) return DESCRIPTORS
  const [, hard] = /^Max open files +\d+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  return Number(hard)
}

/** Ends the process if this end of the connections alone would take more descriptors than there may be. */
function checkSize(limit) {
  const { values } = parseArgs({ args: wanted, options: sizes, strict: false })
  const [namespaces, connections] = [values.namespaces, values.connections].map(Number)
  const most = Math.floor((limit - OTHERS) / namespaces)
  if (connections <= most) return
  fail(
    `A process may have ${limit} descriptors here, too few for ${connections} connections in each of ${namespaces} namespaces.`,
    `Raise the limit (ulimit -n), or say: npm run soak -- --connections ${most}`
  )
}
