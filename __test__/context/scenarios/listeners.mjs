/** In which namespace listeners are called that others call: of signals, watched files, messages, locks, domains. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import fs, { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import threads, { MessageChannel } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { later, namespace } from '../../offline/kit.mjs'

/** What a program among those of the tests prints. */
async function outputOf(program) {
  const file = fileURLToPath(new URL(`../programs/${program}`, import.meta.url))
  return (await promisify(childProcess.execFile)(process.execPath, ['--no-warnings', file])).stdout
}

const STREAMS = ['stdin', 'stdout', 'stderr']
/** As they are before there are hooks. */
const streams = STREAMS.map((name) => Object.getOwnPropertyDescriptor(process, name))

export default {
  'standard streams are as Node has them once they are there, as it asks for one with every socket that ends': () => {
    namespace().run(() => {})
    const { [Symbol.iterator]: iterate } = Array.prototype
    for (const name of STREAMS) {
      // As a program may that the library has no part in.
      Array.prototype[Symbol.iterator] = assert.fail
      try {
        Reflect.get(process, name)
      } finally {
        Array.prototype[Symbol.iterator] = iterate
      }
    }
    assert.deepEqual(
      STREAMS.map((name) => Object.getOwnPropertyDescriptor(process, name)),
      streams
    )
  },
  'standard streams are there where `process` is frozen after the first context': async () => {
    assert.equal(await outputOf('frozen-process.mjs'), 'there\n')
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
  'locks: a callback that waited is where it was given': async () => {
    const [red, blue] = [namespace(), namespace()]
    // Newer Nodes load them only now. Node 22 has none.
    const locks = red.run(() => threads.locks) ?? globalThis.navigator?.locks
    if (locks === undefined) return
    assert.equal(locks, navigator.locks)
    const asking = (place) => place.run(() => locks.request('one for both', async () => NetNs.current().id))
    const asked = await red.run(() => locks.request('one for both', () => [red, blue, red].map(asking)))
    const home = locks.request('one for both', () => NetNs.current().id)
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
  }
}
