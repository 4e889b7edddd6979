/** Whatever carries on later carries its namespace. */
import assert from 'node:assert/strict'
import { EventEmitter, on, once } from 'node:events'
import fs, { promises as files } from 'node:fs'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { Duplex, finished, PassThrough, pipeline, Readable, Transform, Writable } from 'node:stream'
import { scheduler, setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { MessageChannel } from 'node:worker_threads'
import zlib from 'node:zlib'
import { NetNs } from 'node-netns'
import { ask, later, listen, namespace, saying } from '../../offline/kit.mjs'

/** Each way to carry on calls back; then a connection must still be made inside. */
const WAYS = {
  'a promise': (back) => void Promise.resolve().then(back),
  setTimeout: (back) => void setTimeout(back, 1),
  setInterval: (back) => {
    const timer = setInterval(() => {
      clearInterval(timer)
      back()
    }, 1)
  },
  setImmediate: (back) => void setImmediate(back),
  nextTick: (back) => process.nextTick(back),
  queueMicrotask: (back) => queueMicrotask(back),
  'timers/promises': async (back) => {
    await sleep(1)
    await scheduler.wait(1)
    back()
  },
  'fs with a callback': (back) => fs.stat('/', back),
  'fs with a promise': async (back) => {
    await files.readFile('/proc/self/stat')
    back()
  },
  'a stream of fs': (back) => void fs.createReadStream('/proc/self/stat').on('close', back).resume(),
  zlib: (back) => zlib.gzip('x', back),
  'util.promisify': (back) => void promisify(fs.access)('/').then(back),
  'stream.finished': (back) => {
    const stream = Readable.from(['x'])
    finished(stream, back)
    stream.resume()
  },
  'stream.pipeline': (back) => {
    const drain = new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) })
    pipeline(Readable.from(['a', 'b']), new PassThrough(), drain, back)
  },
  'a Transform and a Duplex': (back) => {
    const transform = new Transform({ transform: (chunk, _encoding, done) => setImmediate(done, null, chunk) })
    Duplex.from(transform).once('data', back)
    transform.end('x')
  },
  'an EventEmitter': (back) => {
    const emitter = new EventEmitter().once('event', back)
    setImmediate(() => emitter.emit('event'))
  },
  'events.once': async (back) => {
    const emitter = new EventEmitter()
    setImmediate(() => emitter.emit('event'))
    await once(emitter, 'event')
    back()
  },
  'events.on': async (back) => {
    const emitter = new EventEmitter()
    setImmediate(() => emitter.emit('event'))
    for await (const _ of on(emitter, 'event')) break
    back()
  },
  'an async generator': async (back) => {
    async function* numbers() {
      await sleep(1)
      yield 1
    }
    for await (const _ of numbers()) back()
  },
  readline: (back) => void createInterface({ input: Readable.from(['line\n']) }).once('line', back),
  'a MessageChannel': (back) => {
    const { port1, port2 } = new MessageChannel()
    port1.once('message', () => {
      port1.close()
      back()
    })
    port2.postMessage('x')
  },
  'an AbortSignal': (back) => void AbortSignal.timeout(1).addEventListener('abort', back, { once: true }),
  'an EventTarget': (back) => {
    const target = new EventTarget()
    target.addEventListener('event', back)
    setImmediate(() => target.dispatchEvent(new Event('event')))
  },
  'a web stream': async (back) => {
    for await (const _ of new Blob(['x']).stream()) back()
  },
  'a thenable': async (back) => {
    // biome-ignore lint/suspicious/noThenProperty: what is awaited here is a thenable that is no promise
    await { then: (resolve) => setImmediate(resolve) }
    back()
  },
  'a connection': (back) => void net.connect(1, '127.0.0.1').once('error', back)
}

const kept = Object.entries(WAYS).map(([what, way]) => [
  `${what} stays inside`,
  async () => {
    const red = namespace()
    await red.run(async () => {
      const { port } = await saying('inside')
      let place
      const text = await new Promise((resolve, reject) => {
        const back = () => {
          place ??= NetNs.current().id
          ask(port, '127.0.0.1').then(resolve, reject)
        }
        Promise.resolve(way(back)).catch(reject)
      })
      assert.equal(text, 'inside')
      assert.equal(place, red.id)
    })
  }
])

export default {
  ...Object.fromEntries(kept),
  'what is started in two namespaces at once stays apart': async () => {
    const places = [namespace(), namespace(), namespace()]
    const walk = async (place) => {
      const { port } = await saying(place.id)
      for (let step = 0; step < 20; step += 1) {
        await sleep(step % 3)
        assert.equal(await ask(port, '127.0.0.1'), place.id)
      }
    }
    await Promise.all(places.map((place) => place.run(walk, place)))
  },
  "a module waits for somebody else's import of what it imports: Node cannot know better": async () => {
    const [red, blue] = [namespace(), namespace()]
    const started = new EventEmitter()
    globalThis.moduleTest = {
      begun: (what) => started.emit(what),
      end: once(started, 'end'),
      here: () => NetNs.current().id
    }
    later(() => delete globalThis.moduleTest)
    const awaiting = "data:text/javascript,moduleTest.begun('first'); await moduleTest.end"
    const before = "data:text/javascript,moduleTest.begun('second')"
    const importing = `data:text/javascript,import "${before}"; import "${awaiting}"; export const place = moduleTest.here()`
    const begun = ['first', 'second'].map((what) => once(started, what))
    const first = blue.run(() => import(awaiting))
    await begun[0]
    const second = red.run(() => import(importing))
    await begun[1]
    started.emit('end')
    await first
    assert.equal((await second).place, blue.id)
  },
  'a pipe between two namespaces: each end lives where it was opened': async () => {
    const [red, blue] = [namespace(), namespace()]
    const { port } = await red.run(() => saying('from red'))
    await blue.run(async () => {
      const server = net.createServer((socket) => {
        red.run(() => net.connect(port, '127.0.0.1')).pipe(socket)
      })
      assert.equal(await ask(await listen(server), '127.0.0.1'), 'from red')
    })
  }
}
