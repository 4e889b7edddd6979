/** Whatever carries on later carries its namespace. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import { EventEmitter, on, once } from 'node:events'
import fs, { promises as files, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Duplex, finished, PassThrough, pipeline, Readable, Transform, Writable } from 'node:stream'
import { scheduler, setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import vm from 'node:vm'
import { getEnvironmentData, MessageChannel, Worker } from 'node:worker_threads'
import zlib from 'node:zlib'
import { NetNs } from 'node-netns'
import { ask, brokered, later, listen, namespace, saying } from '../../offline/kit.mjs'

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

/** What a program among those of the tests prints. */
async function outputOf(program) {
  const file = fileURLToPath(new URL(`../programs/${program}`, import.meta.url))
  return (await promisify(childProcess.execFile)(process.execPath, ['--no-warnings', file])).stdout
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
  'an emitter that is fed from elsewhere: the feeder decides, `bind` is the answer': async () => {
    const [red, blue] = [namespace(), namespace()]
    const emitter = new EventEmitter()
    const seen = []
    red.run(() => {
      emitter.on('event', () => seen.push(NetNs.current().id))
      emitter.on(
        'event',
        red.bind(() => seen.push(NetNs.current().id))
      )
    })
    blue.run(() => emitter.emit('event'))
    assert.deepEqual(seen, [blue.id, red.id])
  },
  'what Node tells a program of is told where it was thrown or published; domains and node:repl keep contexts':
    async () => {
      const red = { 'a domain': 'red', 'an error that a domain catches': 'red', 'node:repl': 'red' }
      const blue = {
        uncaughtException: 'blue',
        unhandledRejection: 'blue',
        warning: 'blue',
        diagnostics_channel: 'blue'
      }
      assert.deepEqual(JSON.parse(await outputOf('told.mjs')), { ...red, ...blue })
    },
  'what was made elsewhere has its events there, and a generator runs where it is read: `bind` is the answer':
    async () => {
      const [red, blue] = [namespace(), namespace()]
      const where = () => NetNs.current().id
      const { port1, port2 } = blue.run(() => new MessageChannel())
      const child = blue.run(() => childProcess.spawn('true'))
      const events = red.run(() =>
        [
          [port2, 'message'],
          [child, 'exit']
        ].flatMap(([emitter, event]) => [
          new Promise((resolve) => emitter.once(event, () => resolve(where()))),
          new Promise((resolve) =>
            emitter.once(
              event,
              red.bind(() => resolve(where()))
            )
          )
        ])
      )
      port1.postMessage('')
      assert.deepEqual(await Promise.all(events), [blue.id, red.id, blue.id, red.id])
      port1.close()
      async function* places() {
        yield where()
        await sleep(1)
        yield where()
      }
      const [generator, stream] = red.run(() => [places(), Readable.from(places())])
      for (const source of [generator, stream]) {
        const read = []
        await blue.run(async () => {
          for await (const place of source) read.push(place)
        })
        assert.deepEqual(read, [blue.id, blue.id])
      }
    },
  'tests of node:test run where they were written down': async () => {
    assert.match(await outputOf('tested.mjs'), /pass 4\n/)
  },
  'a signal, and a file that is watched by polling, call each listener where it was put on': async () => {
    const [red, blue] = [namespace(), namespace()]
    const places = [red, undefined, blue]
    const file = join(tmpdir(), `node-netns-watched-${process.pid}`)
    writeFileSync(file, '')
    later(() => rmSync(file))
    const WAYS = {
      'process.on': (listener) => process.on('SIGUSR2', listener),
      'process.once': (listener) => process.once('SIGUSR2', listener),
      'process.prependListener': (listener) => process.prependListener('SIGUSR2', listener),
      'process.prependOnceListener': (listener) => process.prependOnceListener('SIGUSR2', listener),
      'fs.watchFile': (listener) => fs.watchFile(file, { interval: 5 }, listener)
    }
    const limit = process.getMaxListeners()
    process.setMaxListeners(20)
    later(() => process.removeAllListeners('SIGUSR2').setMaxListeners(limit))
    later(() => fs.unwatchFile(file))
    const heard = Object.values(WAYS).flatMap((listen) =>
      places.map((place) => {
        const put = () => new Promise((resolve) => listen(() => resolve(NetNs.current().id)))
        return place === undefined ? put() : place.run(put)
      })
    )
    process.kill(process.pid, 'SIGUSR2')
    // Whatever changes before the file was looked at first is no change.
    const timer = setInterval(() => fs.appendFileSync(file, 'changed'), 10)
    later(() => clearInterval(timer))
    const expected = places.map((place) => (place ?? NetNs.home()).id)
    assert.deepEqual(
      await Promise.all(heard),
      Object.values(WAYS).flatMap(() => expected)
    )
  },
  'a listener of a signal, or of a watched file, is removed and found by itself': async () => {
    const file = join(tmpdir(), `node-netns-unwatched-${process.pid}`)
    const listener = () => {}
    await namespace().run(async () => {
      for (const name of ['on', 'once', 'prependListener', 'prependOnceListener', 'addListener']) {
        assert.equal(process[name]('SIGUSR2', listener), process)
        assert.deepEqual(process.listeners('SIGUSR2'), [listener])
        process.removeListener('SIGUSR2', listener)
        assert.equal(process.listenerCount('SIGUSR2'), 0)
      }
      let calls = 0
      process.once('SIGUSR2', () => {
        calls += 1
      })
      process.emit('SIGUSR2')
      process.emit('SIGUSR2')
      assert.equal(calls, 1)
      assert.throws(() => process.on('SIGUSR2', 'no function'), { code: 'ERR_INVALID_ARG_TYPE' })
      const watcher = fs.watchFile(file, listener)
      fs.unwatchFile(file, listener)
      assert.equal(watcher.listenerCount('change'), 0)
    })
  },
  'navigator.locks: a callback that waited is where it was given': async () => {
    // Node 22 has no locks.
    if (globalThis.navigator?.locks === undefined) return
    const [red, blue] = [namespace(), namespace()]
    const asking = (place) => place.run(() => navigator.locks.request('one for both', async () => NetNs.current().id))
    const asked = await red.run(() => navigator.locks.request('one for both', () => [red, blue, red].map(asking)))
    const home = navigator.locks.request('one for both', () => NetNs.current().id)
    assert.deepEqual(await Promise.all([...asked, home]), [red.id, blue.id, red.id, NetNs.home().id])
  },
  'a port that came in a message and a FinalizationRegistry lose contexts: `bind` is the answer': async () => {
    const red = namespace()
    const [outer, inner] = [new MessageChannel(), new MessageChannel()]
    later(() => outer.port1.close())
    later(() => inner.port1.close())
    outer.port1.postMessage(inner.port2, [inner.port2])
    inner.port1.postMessage('through it')
    const heard = red.run(async () => {
      const [port] = await once(outer.port2, 'message')
      return new Promise((resolve) => {
        port.once(
          'message',
          red.bind(() => resolve(NetNs.current().id))
        )
      })
    })
    assert.equal(await heard, red.id)
    const gone = red.run(
      () =>
        new Promise((resolve) => {
          const registry = new FinalizationRegistry(red.bind(() => resolve(NetNs.current().id)))
          registry.register({}, 'gone')
          const timer = setInterval(() => globalThis.gc(), 5)
          later(() => {
            clearInterval(timer)
            registry.unregister(timer)
          })
        })
    )
    assert.equal(await gone, red.id)
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
  'what a timeout interrupts inside leaves nobody else there': async () => {
    const [red, blue] = [namespace(), namespace()]
    const { port } = await red.run(() => saying('red'))
    const forever = 'go(() => { for (;;); })'
    const context = vm.createContext({ go: (fn) => red.run(fn) })
    const ways = [
      () => new vm.Script(forever).runInContext(context, { timeout: 20 }),
      () => vm.runInContext(forever, context, { timeout: 20 }),
      () => vm.runInNewContext(forever, { go: (fn) => blue.run(() => red.run(fn)) }, { timeout: 20 }),
      () =>
        vm.runInThisContext('(go) => go(() => { for (;;); })')((fn) =>
          red.run(() => vm.runInNewContext('fn()', { fn }, { timeout: 20 }))
        )
    ]
    if (!brokered) ways.push(() => vm.runInNewContext(forever, { go: (fn) => red.runSync(fn) }, { timeout: 20 }))
    for (const way of ways) {
      assert.throws(way, { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })
      assert.ok(NetNs.current().equals(NetNs.home()))
      await assert.rejects(ask(port, '127.0.0.1'), { code: 'ENETUNREACH' })
      blue.run(() => {
        assert.throws(way, { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })
        assert.ok(NetNs.current().equals(blue))
      })
    }
    // What a script does to its own context stays, as without a script.
    await new Promise((resolve, reject) => {
      setImmediate(() => {
        vm.runInNewContext('red.enter()', { red }, { timeout: 10_000 })
        ask(port, '127.0.0.1').then(resolve, reject)
      })
    })
  },
  'what a timeout interrupts while a Worker is made leaves nothing for the next': async () => {
    const red = namespace()
    const options = {
      eval: true,
      get stdin() {
        for (;;);
      }
    }
    const make = () => new Worker('', options)
    assert.throws(() => vm.runInNewContext('make()', { make: () => red.run(make) }, { timeout: 100 }), {
      code: 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    })
    assert.equal(getEnvironmentData('node-netns.place'), undefined)
    const worker = new Worker(
      "require('node:worker_threads').parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self/ns/net'))",
      {
        eval: true
      }
    )
    assert.equal((await once(worker, 'message'))[0], NetNs.home().id)
  },
  'what a timeout interrupts while an agent dials leaves no agent believing that it does': async () => {
    const [red, blue] = [namespace(), namespace()]
    class Hanging extends http.Agent {
      createConnection() {
        for (;;);
      }
    }
    const [hanging, shared] = [new Hanging(), new http.Agent()]
    const name = () => shared.getName({ host: '127.0.0.1', port: 80 })
    const before = [blue, red].map((place) => place.run(name))
    const get = () => http.get('http://127.0.0.1/', { agent: hanging }).on('error', () => {})
    assert.throws(() => vm.runInNewContext('get()', { get: () => red.run(get) }, { timeout: 100 }), {
      code: 'ERR_SCRIPT_EXECUTION_TIMEOUT'
    })
    assert.deepEqual(
      [blue, red].map((place) => place.run(name)),
      before
    )
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
