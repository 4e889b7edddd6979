/** Where connections that fail, or are given up, say so. */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { later, namespace, saying } from '../../offline/kit.mjs'

export default {
  'a connection that is given up elsewhere says so where it was asked for': async () => {
    const [red, blue] = [namespace(), namespace()]
    const { port } = await red.run(saying, '')
    const never = { host: 'server.test', port: 80, lookup() {} }
    const outside = { id: NetNs.home().id, run: (fn) => fn() }
    for (const [place, address] of [
      [red, never],
      [red, { host: '127.0.0.1', port }],
      [NetNs.home(), never],
      [outside, never]
    ]) {
      for (const elsewhere of [blue, outside]) {
        const where = place.run(async () => {
          const socket = net.connect(address)
          elsewhere.run(() => setImmediate(() => socket.destroy(new Error('given up'))))
          return new Promise((resolve) => socket.on('error', () => resolve(NetNs.current().id)))
        })
        assert.equal(await where, place.id)
      }
    }
  },
  'a connection that is given up elsewhere says so where it was asked for, on a Node whose handles do not tell':
    async () => {
      const file = fileURLToPath(new URL('../programs/silent-handles.mjs', import.meta.url))
      const flag = '--no-async-context-frame'
      const flags = process.allowedNodeEnvironmentFlags.has(flag) ? [[], [flag]] : [[]]
      for (const given of flags) {
        const { stdout } = await promisify(execFile)(process.execPath, ['--no-warnings', ...given, file])
        assert.deepEqual(JSON.parse(stdout), ['red', 'outside'])
      }
    },
  'a pipe of a child, and TLS over it, which nobody connected, are given up where that is done': async () => {
    const red = namespace()
    const child = spawn('sleep', ['9'])
    later(() => child.kill())
    const tlsOver = red.run(() => tls.connect({ socket: child.stdin }))
    for (const socket of [child.stdout, tlsOver]) {
      socket.on('error', () => {})
      const told = red.run(() => {
        const heard = new Promise((resolve) => socket.once('error', () => resolve(NetNs.current().id)))
        socket.destroy(new Error('given up'))
        return heard
      })
      assert.equal(await told, red.id)
    }
  },
  'a connection that fails, however early, says so where it was asked for': async () => {
    const failure = Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
    const two = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }))
    const lookups = {
      atOnce: (_host, _options, done) => done(failure),
      later: (_host, _options, done) => setImmediate(done, failure),
      noAddress: (_host, { all }, done) => setImmediate(done, null, all ? [{ address: 'x', family: 4 }] : 'x', 4),
      refused: (_host, { all }, done) => setImmediate(done, null, all ? two : two[0].address, 4)
    }
    const target = { host: 'server.test', port: 80 }
    const starts = {
      net: (lookup) => net.connect({ ...target, lookup }),
      tls: (lookup) => tls.connect({ ...target, lookup }),
      http: (lookup) => http.get({ ...target, lookup }),
      https: (lookup) => https.get({ ...target, lookup }),
      http2: (lookup) => http2.connect('https://server.test:80', { lookup }),
      pipe: () => net.connect({ path: `/${'x'.repeat(200)}` }),
      aborted: () => net.connect({ ...target, lookup() {} }).destroy(failure)
    }
    const here = () => {
      try {
        return NetNs.current().id
      } catch (error) {
        return error.code
      }
    }
    const failedIn = (start, lookup) => new Promise((resolve) => start(lookup).once('error', () => resolve(here())))
    const closing = namespace()
    const places = [namespace(), NetNs.home(), { id: NetNs.home().id, run: (fn, ...args) => fn(...args) }]
    for (const [name, lookup] of Object.entries(lookups)) {
      for (const [kind, start] of Object.entries(starts)) {
        for (const place of places) assert.equal(await place.run(failedIn, start, lookup), place.id, `${kind} ${name}`)
      }
    }
    const whereClosed = closing.run(() => {
      closing.close()
      return Promise.all(Object.values(starts).map((start) => failedIn(start, lookups.refused)))
    })
    assert.deepEqual([...new Set(await whereClosed)], ['ERR_NETNS_CLOSED'])
    NetNs.outside('deny')
    try {
      for (const start of [starts.net, starts.tls]) {
        const [error] = await once(start(lookups.refused), 'error')
        assert.equal(error.code, 'ERR_NETNS_OUTSIDE')
      }
    } finally {
      NetNs.outside('home')
    }
  }
}
