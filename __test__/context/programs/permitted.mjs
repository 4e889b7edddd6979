/** Under Node's permission model: says, for each of what it may do or not, whether that is in the namespace, or why not. */
import assert from 'node:assert/strict'
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'

const where = fileURLToPath(new URL('where.mjs', import.meta.url))
const script = `const { parentPort } = require('node:worker_threads')
  import('node-netns').then(({ NetNs }) => parentPort.postMessage(NetNs.current().id))`

const ways = {
  async socket() {
    const socket = net.connect(1, '127.0.0.1')
    await once(socket, 'connect').catch((error) => {
      // Home's has no loopback.
      if (error.code !== 'ECONNREFUSED') throw error
    })
    return red.id
  },
  child: async () => (await once(fork(where), 'message'))[0],
  'waiting child': async () => String(execFileSync('readlink', ['/proc/self/ns/net'])).trim(),
  worker: async () => (await once(new Worker(script, { eval: true }), 'message'))[0],
  async command() {
    const before = descriptors()
    try {
      return String((await red.command('readlink', ['/proc/self/ns/net']).output()).stdout).trim()
    } catch (error) {
      // Node itself refuses streams of pipes, and nothing has run.
      assert.match(error.stack, /new Socket/)
      assert.equal(descriptors(), before)
      assert.throws(() => red.command('readlink', ['/proc/self/ns/net']).spawn(), { code: error.code })
      assert.equal(descriptors(), before)
      throw error
    }
  },
  async 'command without pipes'() {
    const { code } = await red.command('true', [], { stdio: 'ignore' }).status()
    return code === 0 ? red.id : code
  }
}

const descriptors = () => readdirSync('/proc/self/fd').length

const red = await NetNs.create()
const told = {}
for (const [name, way] of Object.entries(ways)) {
  const place = await red.run(way).catch((error) => error.code)
  told[name] = place === red.id ? 'inside' : place
}
console.log(JSON.stringify(told))
