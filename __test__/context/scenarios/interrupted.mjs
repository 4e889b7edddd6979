/** What ends in the middle: by a timeout of `node:vm`, as its Worker is terminated, at the end of the stack. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import vm from 'node:vm'
import { getEnvironmentData, Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { ask, brokered, namespace, saying } from '../../offline/kit.mjs'

export default {
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
  'what a timeout interrupts while it is loaded is loaded again': () => {
    const file = fileURLToPath(new URL('../programs/half-loaded.mjs', import.meta.url))
    assert.equal(execFileSync(process.execPath, [file], { encoding: 'utf8' }), 'whole\n')
  },
  'a Worker that goes inside again and again ends when it is terminated in there, and no call lies to it': async () => {
    const red = namespace()
    const calls = [
      "const { TCP } = process.binding('tcp_wrap'); return () => new TCP(0).bind('127.0.0.1', { valueOf: forever })"
    ]
    if (!brokered) calls.push('const red = library.NetNs.createSync(); return () => red.runSync(forever)')
    for (const call of calls) {
      const returned = new Int32Array(new SharedArrayBuffer(4))
      const source = `const { parentPort, workerData: returned } = require('worker_threads')
        const forever = () => { parentPort.postMessage('inside'); for (;;); }
        import('node-netns').then((library) => {
          for (const call = (() => { ${call} })(); ; Atomics.add(returned, 0, 1)) call()
        })`
      const worker = red.run(() => new Worker(source, { eval: true, workerData: returned }))
      await once(worker, 'message')
      await worker.terminate()
      assert.equal(returned[0], 0)
    }
  },
  'endless recursion is a RangeError, whatever is called at the end of the stack': () => {
    const red = namespace()
    const codes = new Set()
    const noting = (call) => {
      try {
        call()
      } catch (error) {
        codes.add(error.code ?? error.name)
      }
    }
    const missing = () => noting(() => NetNs.fromName('missing'))
    const deeper = (call) => call() ?? deeper(call) ?? 0
    noting(() => deeper(missing))
    if (!brokered) {
      const endless = () => red.runSync(endless)
      const nested = () => red.run(() => red.runSync(() => nested()))
      const failing = () => red.runSync(() => missing() ?? failing())
      for (const way of [endless, nested, failing]) assert.throws(way, RangeError)
    }
    assert.deepEqual([...codes].sort(), ['ENOENT', 'RangeError'])
    assert.ok(NetNs.current().equals(NetNs.home()))
  }
}
