/** Every way out is refused where there is no network to take. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { ask, first, later, listen, namespace } from '../../offline/kit.mjs'

/** Every way out, each with how it fails. */
const EXITS = {
  'net.connect': (port) => ask(port, '127.0.0.1'),
  'net.connect by a name': (port) => ask(port, 'localhost'),
  'net.connect by a name of several addresses': (port) => {
    const found = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
    return ask({
      port,
      host: 'server.test',
      autoSelectFamily: true,
      lookup: (_name, _options, back) => back(null, found)
    })
  },
  'net.Server.listen': () => listen(net.createServer(), 0, '127.0.0.1'),
  'http.get': (port) => once(http.get({ port, host: '127.0.0.1', agent: false }), 'response'),
  fetch: (port) =>
    fetch(`http://127.0.0.1:${port}/`).catch((error) => {
      throw error.cause ?? error
    }),
  'dgram bind': async () => {
    const socket = dgram.createSocket('udp4')
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.close()
  },
  'dgram send': (port) => {
    const socket = dgram.createSocket('udp4')
    later(() => {
      try {
        socket.close()
      } catch {}
    })
    return new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.send('x', port, '127.0.0.1', (error) => (error ? reject(error) : resolve()))
    })
  },
  // Newer Nodes alone have these.
  ...('bindSync' in dgram.Socket.prototype && {
    'dgram bindSync': async () => dgram.createSocket('udp4').bindSync(),
    'dgram connectSync': async (port) => dgram.createSocket('udp4').connectSync(port, '127.0.0.1')
  }),
  ...('BoundSocket' in net && {
    'net.BoundSocket': async () => new net.BoundSocket(),
    'an abstract net.BoundSocket': async () => new net.BoundSocket({ path: '\0node-netns-refused' })
  }),
  'dns.lookup': () => promised((done) => dns.lookup('server.test', done)),
  'dns.resolve4': () => promised((done) => dns.resolve4('server.test', done)),
  'dns.promises.lookup': () => dns.promises.lookup('server.test'),
  'a Resolver': () => new dns.promises.Resolver({ timeout: 100, tries: 1 }).resolve4('server.test'),
  spawn: async () => void (await once(childProcess.spawn('true'), 'exit')),
  spawnSync: async () => childProcess.spawnSync('true'),
  'a Worker': async () => void (await once(new Worker('', { eval: true }), 'exit')),
  'os.networkInterfaces': async () => os.networkInterfaces()
}

function promised(call) {
  return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))))
}

const refusals = (what, code, start) =>
  Object.entries(EXITS).map(([exit, way]) => [
    `${what}: ${exit} is refused`,
    async () => {
      let caught
      process.on('uncaughtException', keep)
      function keep(error) {
        caught = error
      }
      try {
        await assert.rejects(
          start(async () => way(81)),
          { code }
        )
        assert.equal(caught, undefined)
      } finally {
        process.off('uncaughtException', keep)
      }
    }
  ])

export default {
  ...Object.fromEntries(
    refusals("outside('deny')", 'ERR_NETNS_OUTSIDE', (way) => {
      NetNs.outside('deny')
      return way()
    })
  ),
  ...Object.fromEntries(
    refusals('a closed namespace', 'ERR_NETNS_CLOSED', (way) => {
      const red = NetNs.createSync()
      return red.run(async () => {
        red.close()
        await null
        return way()
      })
    })
  ),

  'a socket of datagrams that was refused tells of what goes wrong later': async () => {
    const [red, blue] = [namespace(), namespace()]
    const busy = await blue.run(async () => bound(dgram.createSocket('udp4')))
    const socket = dgram.createSocket('udp4')
    later(() => socket.close())
    const { emit } = socket
    await red.run(async () => {
      red.close()
      socket.bind(81)
      assert.equal((await first(socket, 'error')).code, 'ERR_NETNS_CLOSED')
      // Newer Nodes alone have it.
      for (const way of ['bindSync', 'bindSync'].filter((name) => name in socket)) {
        assert.throws(() => socket[way](), { code: 'ERR_NETNS_CLOSED' })
      }
    })
    assert.equal(socket.emit, emit)
    assert.ok(!Object.hasOwn(socket, 'emit'))
    blue.run(() => socket.bind(busy.address().port, '127.0.0.1'))
    assert.equal((await first(socket, 'error')).code, 'EADDRINUSE')
  }
}

async function bound(socket) {
  later(() => socket.close())
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}
