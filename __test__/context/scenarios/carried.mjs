/** What is left of a context while all else of it is collected keeps it, and nothing else is followed. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import http from 'node:http'
import net from 'node:net'
import { PassThrough } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { namespace } from '../../offline/kit.mjs'
import { churn, deferred, followers, rest, shown, witness } from '../../offline/resting.mjs'

/** Each is called inside with what is to be called there later, and returns what has it called, from outside. */
const CARRIERS = {
  'a promise': (back) => {
    const { promise, resolve } = deferred()
    void promise.then(back)
    return resolve
  },
  'an async function': (back) => {
    const { promise, resolve } = deferred()
    void (async () => {
      await promise
      back()
    })()
    return resolve
  },
  'an async generator': (back) => {
    const { promise, resolve } = deferred()
    async function* values() {
      yield await promise
    }
    void (async () => {
      for await (const _ of values()) back()
    })()
    return resolve
  },
  'a thenable': (back) => {
    const { promise, resolve } = deferred()
    void (async () => {
      // biome-ignore lint/suspicious/noThenProperty: what is awaited here is a thenable that is no promise
      await { then: (done) => promise.then(done) }
      back()
    })()
    return resolve
  },
  'a timer that nothing waits for': (back) => {
    let wanted = false
    const timer = setInterval(() => {
      if (!wanted) return
      clearInterval(timer)
      back()
    }, 1).unref()
    return () => {
      wanted = true
      timer.ref()
    }
  },
  'AsyncResource.runInAsyncScope': (back) => {
    const resource = new AsyncResource('TEST')
    return () => resource.runInAsyncScope(back)
  },
  'AsyncResource.bind': (back) => AsyncResource.bind(back),
  'AsyncLocalStorage.bind': (back) => AsyncLocalStorage.bind(back),
  'AsyncLocalStorage.snapshot': (back) => {
    const snapshot = AsyncLocalStorage.snapshot()
    return () => snapshot(back)
  },
  'a signal': (back) => {
    process.once('SIGUSR2', back)
    return () => process.kill(process.pid, 'SIGUSR2')
  },
  'a stream': (back) => {
    const stream = new PassThrough()
    void (async () => {
      for await (const _ of stream) back()
    })()
    return () => stream.end('x')
  },
  'a Worker': (back) => {
    const script = 'require("node:worker_threads").parentPort.once("message", () => process.exit())'
    const worker = new Worker(script, { eval: true }).once('exit', back)
    return () => worker.postMessage('end')
  },
  'a child': (back) => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] }).once('exit', back)
    return () => child.stdin.end()
  },
  'a request that waits for a socket': (back) => {
    const { promise, resolve } = deferred()
    const agent = new http.Agent({ maxSockets: 1 })
    agent.createConnection = (_options, callback) => void promise.then(() => callback(new Error('refused')))
    http.get({ host: '127.0.0.1', agent }).on('error', () => {})
    http.get({ host: '127.0.0.1', agent }).once('error', back)
    return resolve
  },
  'a UDP socket': (back) => {
    const socket = dgram.createSocket('udp4').bind(4000, '127.0.0.1')
    socket.once('message', () => {
      socket.close()
      back()
    })
    const red = NetNs.current()
    return () => {
      const sender = red.dgram.createSocket('udp4')
      sender.send('x', 4000, '127.0.0.1', () => sender.close())
    }
  },
  'a server': (back) => {
    const server = net.createServer((socket) => {
      server.close()
      socket.end()
      back()
    })
    server.listen(4000, '127.0.0.1')
    const red = NetNs.current()
    return () => red.net.connect(4000, '127.0.0.1').resume()
  }
}

const carried = Object.entries(CARRIERS).map(([what, carry]) => [
  `${what} keeps its context while all else is collected`,
  async () => {
    const red = namespace()
    await rest()
    const { seen, back } = witness()
    const go = red.run(carry, back)
    await churn()
    assert.equal(NetNs.current().id, NetNs.home().id)
    if (shown !== undefined) assert.equal(followers(), 1)
    go()
    assert.deepEqual(await seen, [red.id, 'inside', red.id])
  }
])

export default {
  ...Object.fromEntries(carried)
}
