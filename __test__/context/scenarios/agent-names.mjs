/** The names that agents are asked for are what Node makes of the options, whatever was asked for before. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { namespace } from '../../offline/kit.mjs'
import { agent } from '../../offline/web.mjs'

const program = fileURLToPath(new URL('../programs/own-names.mjs', import.meta.url))

/** What Node makes of options. */
function spelled({ host, port, localAddress, family, socketPath }) {
  const ends = [family === 4 || family === 6 ? `:${family}` : '', socketPath ? `:${socketPath}` : '']
  return `${host || 'localhost'}:${port || ''}:${localAddress || ''}${ends.join('')}`
}

export default {
  'names follow each option, asked for in turn and again': async () => {
    const hosts = [undefined, '', 'a.test', 'b.test', 7]
    const ports = [undefined, 0, 80, '80', 8080]
    const others = [
      {},
      { localAddress: '127.0.0.2' },
      { family: 4 },
      { family: 6 },
      { family: 5 },
      { family: '4' },
      { socketPath: '/a' },
      { localAddress: '127.0.0.2', family: 6, socketPath: '/b' }
    ]
    const all = hosts.flatMap((host) => ports.flatMap((port) => others.map((other) => ({ host, port, ...other }))))
    namespace().run(() => {
      const own = agent()
      for (const options of all) {
        const names = [options, { ...options }, Object.assign(Object.create(null), options)].map(own.getName, own)
        assert.deepEqual(names, Array(3).fill(spelled(options)))
      }
      for (let round = 0; round < 3; round += 1) {
        for (const options of all) assert.equal(own.getName(options), spelled(options))
      }
    })
  },
  'a name that is asked for again is not made again': async () => {
    namespace().run(() => {
      let reads = 0
      const options = {
        host: 'again.test',
        get port() {
          reads += 1
          return 80
        }
      }
      const readsOf = () => {
        reads = 0
        assert.equal(agent().getName(options), 'again.test:80:')
        return reads
      }
      const made = readsOf()
      assert.deepEqual([made > 1, readsOf(), readsOf()], [true, 1, 1])
    })
  },
  'options that say something else each time they are asked give nobody else a name': async () => {
    namespace().run(() => {
      let port = 80
      const changing = {
        get port() {
          port += 1
          return port
        }
      }
      const own = agent()
      for (let round = 0; round < 5; round += 1) {
        const before = port
        own.getName(changing)
        assert.ok(port > before)
        for (let asked = before + 1; asked <= port; asked += 1) {
          assert.equal(own.getName({ port: asked }), `localhost:${asked}:`)
        }
      }
    })
  },
  'a name of what is spelled otherwise each time is made each time': async () => {
    namespace().run(() => {
      const own = agent()
      let asked = 0
      const host = { toString: () => `host-${++asked}` }
      const names = () => [1, 2, 3].map(() => own.getName({ host, port: 80 }))
      assert.deepEqual(names(), ['host-1:80:', 'host-2:80:', 'host-3:80:'])
      const port = Object.assign(() => {}, { toString: () => String(++asked) })
      assert.deepEqual([own.getName({ port }), own.getName({ port })], ['localhost:4:', 'localhost:5:'])
      assert.deepEqual([own.getName(), own.getName(undefined)], ['localhost::', 'localhost::'])
      assert.throws(() => own.getName(null), TypeError)
      const failing = {
        get host() {
          throw new RangeError('no host')
        }
      }
      assert.throws(() => own.getName(failing), RangeError)
      assert.equal(own.getName({ host: 'a.test', port: 80 }), 'a.test:80:')
      assert.equal(Reflect.apply(http.Agent.prototype.getName, undefined, [{ port: 80 }]), 'localhost:80:')
    })
  },
  "names of a program's own, from before the first context, are asked for each time": async () => {
    const start = promisify(childProcess.execFile)
    for (const how of ['options', 'key', 'around', 'mocked', 'wrapped']) {
      const { stdout } = await start(process.execPath, ['--no-warnings', program, how])
      const name = how === 'wrapped' ? 'localhost::' : 'localhost'
      assert.equal(stdout, `${name}-red ${name}-red ${name}-blue\n`, how)
    }
  }
}
