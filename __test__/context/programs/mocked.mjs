/** A program that has put mocks on before its first context, and takes them off in one: says where what they were on is. */
import childProcess from 'node:child_process'
import dns from 'node:dns'
import os from 'node:os'
import { mock } from 'node:test'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { nameServer } from '../../offline/kit.mjs'

const spawning = mock.method(childProcess, 'spawnSync')
for (const name of ['execSync', 'execFileSync']) mock.method(childProcess, name)
for (const module of [dns, dns.promises]) {
  for (const name of ['lookup', 'lookupService']) mock.method(module, name)
}
mock.method(os, 'networkInterfaces')

const red = await NetNs.create()
const place = (said) => (String(said).trim() === red.id ? 'inside' : String(said))
const READ = ['readlink', ['/proc/self/ns/net']]
const children = (from) => ({
  spawnSync: place(from.spawnSync(...READ).stdout),
  execSync: place(from.execSync('readlink /proc/self/ns/net')),
  execFileSync: place(from.execFileSync(...READ))
})
const outcome = (promise) =>
  promise.then(
    ({ address }) => address,
    ({ code }) => code
  )

const told = await red.run(async () => {
  await nameServer({ 'where.test': '192.0.2.1' })
  const mocked = { ...children(childProcess), calls: spawning.mock.callCount() }
  mock.restoreAll()
  return {
    mocked,
    restored: {
      ...children(childProcess),
      lookup: await outcome(promisify(dns.lookup)('where.test')),
      'promises.lookup': await outcome(dns.promises.lookup('where.test')),
      'promises.lookupService': await outcome(dns.promises.lookupService('192.0.2.7', 9))
    }
  }
})
const bound = { ...children(red), networkInterfaces: Object.keys(red.networkInterfaces()).join() }
// The name server would keep it alive.
process.exit(console.log(JSON.stringify({ ...told, bound })))
