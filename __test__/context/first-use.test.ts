/** The first thing that a program does is inside too: nothing has put the hooks on before it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { offlineArgv } from '../offline/offline.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const name = 'first'

beforeAll(() => NetNs.createSync({ name }).close())
afterAll(() => NetNs.deleteSync(name))

/** Evaluates a module in a process without a network, with `red` the namespace, and parses what it prints. */
async function program(source: string, flags: string[] = [], wrapper: string[] = []): Promise<unknown> {
  const start = `import { NetNs } from 'node-netns'
    const red = NetNs.fromName('${name}')\n`
  const argv = offlineArgv([...wrapper, process.execPath, ...flags, '--input-type=module', '-e', start + source])
  const { stdout } = await promisify(execFile)(argv[0] as string, argv.slice(1), { cwd: root })
  return JSON.parse(stdout)
}

function id(): string {
  using place = NetNs.fromName(name)
  return place.id
}

it('a synchronous child by a module of the namespace', async () => {
  const source = `console.log(JSON.stringify(String(red.childProcess.spawnSync('readlink', ['/proc/self/ns/net']).stdout)))`
  expect(await program(source)).toBe(`${id()}\n`)
})

it('a synchronous child by a function taken from it', async () => {
  const source = `const { execSync } = red
    console.log(JSON.stringify(String(execSync('readlink /proc/self/ns/net'))))`
  expect(await program(source)).toBe(`${id()}\n`)
})

it("the namespace's Worker", async () => {
  const source = `
    const script = \`const { getBuiltinModule } = process
      getBuiltinModule('node:worker_threads').parentPort.postMessage(getBuiltinModule('node:fs').readlinkSync('/proc/thread-self/ns/net'))\`
    const worker = new red.Worker(script, { eval: true })
    worker.on('message', (place) => console.log(JSON.stringify(place)))`
  expect(await program(source)).toBe(id())
})

it("the namespace's fetch, whose connections nobody else gets", async () => {
  const source = `
    const server = red.http.createServer((_, response) => response.end('red'))
    await new Promise((resolve) => server.listen(8000, '127.0.0.1', resolve))
    const inside = await (await red.fetch('http://127.0.0.1:8000/')).text()
    const outside = await fetch('http://127.0.0.1:8000/').then((answer) => answer.text(), (error) => error.cause.code)
    server.closeAllConnections()
    server.close()
    console.log(JSON.stringify({ inside, outside }))`
  expect(await program(source)).toEqual({ inside: 'red', outside: 'ENETUNREACH' })
})

it('the first Worker is thread 1, as without us', async () => {
  const source = `
    const worker = red.run(() => new red.Worker('', { eval: true }))
    console.log(JSON.stringify(worker.threadId))`
  expect(await program(source)).toBe(1)
})

it('a program that Node is told to abort on uncaught errors', async () => {
  const source = `console.log(JSON.stringify(red.run(() => 'inside')))`
  expect(await program(source, ['--abort-on-uncaught-exception'])).toBe('inside')
})

it('a program that has no fetch', async () => {
  const source = `delete globalThis.fetch
    console.log(JSON.stringify(red.run(() => typeof fetch)))`
  expect(await program(source)).toBe('undefined')
})

it('a socket that is opened elsewhere all the same is closed unused', async () => {
  const source = `
    const { TCP } = process.binding('tcp_wrap')
    const { connect } = TCP.prototype
    let strays = false
    TCP.prototype.connect = function (...args) {
      return strays ? NetNs.home().runSync(() => connect.apply(this, args)) : connect.apply(this, args)
    }
    const server = red.net.createServer((socket) => socket.end())
    await new Promise((resolve) => server.listen(8000, '127.0.0.1', resolve))
    const outcome = () => new Promise((resolve) => {
      const socket = red.net.connect(8000, '127.0.0.1')
      socket.resume().on('connect', () => resolve('connected')).on('error', ({ code }) => resolve(code))
    })
    const before = await outcome()
    strays = true
    const after = await outcome()
    server.close()
    console.log(JSON.stringify([before, after]))`
  expect(await program(source)).toEqual(['connected', 'ERR_NETNS_STRAYED'])
})

it('a module that a timeout interrupts inside leaves nobody else there', async () => {
  const source = `
    import { createContext, SourceTextModule } from 'node:vm'
    red.run(() => {})
    const context = createContext({ go: (fn) => red.run(fn) })
    const module = new SourceTextModule('go(() => { for (;;); })', { context })
    await module.link(() => {})
    const evaluated = module.evaluate({ timeout: 20 })
    const place = NetNs.current().id === NetNs.home().id
    console.log(JSON.stringify([place, await evaluated.catch(({ code }) => code)]))`
  const flags = ['--experimental-vm-modules', '--no-warnings']
  expect(await program(source, flags)).toEqual([true, 'ERR_SCRIPT_EXECUTION_TIMEOUT'])
})

it('a first use that a timeout interrupts leaves nothing that the next one is built upon', async () => {
  // How many of our functions are between a program and Node's own.
  const layers = (first: string) => `
    import module from 'node:module'
    import net from 'node:net'
    import { runInNewContext } from 'node:vm'
    Error.stackTraceLimit = 100
    const { TCP } = process.binding('tcp_wrap')
    const { listen } = TCP.prototype
    let layers
    TCP.prototype.listen = function (...args) {
      layers = new Error().stack.split('\\n').filter((line) => line.includes('/dist/')).length
      return listen.apply(this, args)
    }
    // The last step of all.
    const { syncBuiltinESMExports } = module
    module.syncBuiltinESMExports = () => { for (;;); }
    let code
    try {
      ${first}
    } catch (error) {
      code = error.code
    }
    module.syncBuiltinESMExports = syncBuiltinESMExports
    const server = red.run(() => net.createServer().listen(0, '127.0.0.1'))
    await new Promise((resolve) => server.once('listening', resolve))
    server.close()
    console.log(JSON.stringify([code, layers]))`
  const [none, usual] = (await program(layers(''), ['--no-warnings'])) as [unknown, number]
  expect(none).toBeNull()
  expect(usual).toBeGreaterThan(0)
  const interrupted = "runInNewContext('run()', { run: () => red.run(() => {}) }, { timeout: 1000 })"
  expect(await program(layers(interrupted), ['--no-warnings'])).toEqual(['ERR_SCRIPT_EXECUTION_TIMEOUT', usual])
})

it('who enters first is alone there, whatever awaited before', async () => {
  const source = `
    let open
    const gate = new Promise((resolve) => { open = resolve })
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
    const place = async (ready) => {
      await ready
      const before = NetNs.current().id
      await sleep(1)
      return [before, NetNs.current().id]
    }
    const others = [place(gate), place(sleep(20))]
    const enter = async () => {
      await sleep(1)
      red.enter()
      open()
      return place(sleep(1))
    }
    const [entered, ...rest] = await Promise.all([enter(), ...others])
    const home = NetNs.home().id
    console.log(JSON.stringify([entered, ...rest, NetNs.current().id === home, rest.flat().every((each) => each === home)]))`
  const home = expect.stringMatching(/^net:/)
  expect(await program(source)).toEqual([[id(), id()], [home, home], [home, home], true, true])
})

it('a first context in a hook of async_hooks is inside, or refused where it would not hold', async () => {
  const source = `
    const { AsyncResource, createHook } = process.getBuiltinModule('node:async_hooks')
    let begin
    createHook({ before() { begin?.() } }).enable()
    const seen = new Promise((resolve) => {
      begin = () => {
        begin = undefined
        try {
          red.run(() => setImmediate(() => resolve(NetNs.current().id)))
        } catch (error) {
          resolve(error.code)
        }
      }
    })
    new AsyncResource('TEST').runInAsyncScope(() => {})
    console.log(JSON.stringify(await seen))`
  expect([id(), 'ERR_NETNS_RUNTIME']).toContain(await program(source))
})

it('without a descriptor left says so, and works once there are some', async () => {
  const source = `
    import { closeSync, openSync } from 'node:fs'
    const fill = (held) => {
      try {
        for (;;) held.push(openSync('/dev/null'))
      } catch {
        return held
      }
    }
    const told = []
    for (let left = 0; told.at(-1) !== 'inside'; left++) {
      const held = fill([])
      for (const descriptor of held.splice(0, left)) closeSync(descriptor)
      try {
        told.push(red.run(() => NetNs.current().id) === red.id ? 'inside' : 'elsewhere')
      } catch (error) {
        told.push(error.code)
      }
      for (const descriptor of held) closeSync(descriptor)
    }
    console.log(JSON.stringify(told))`
  const [last, ...before] = ((await program(source, [], ['prlimit', '--nofile=100:100'])) as string[]).toReversed()
  expect(last).toBe('inside')
  expect(before.length).toBeGreaterThan(1)
  expect(before.filter((code) => code !== 'EMFILE')).toEqual([])
})

/** What making a Worker by each of the classes `made` makes of `Worker` comes to, inside and at home. */
function byClasses(made: string): string {
  return `import { once } from 'node:events'
    import { createRequire } from 'node:module'
    const threads = createRequire(import.meta.url)('node:worker_threads')
    const { Worker } = threads
    const script = "const { getBuiltinModule: node } = process; " +
      "node('worker_threads').parentPort.postMessage(node('fs').readlinkSync('/proc/thread-self/ns/net'))"
    const classes = ${made}
    red.run(() => {})
    const outcome = async (Class) => {
      try {
        const worker = new Class(script, { eval: true })
        if (!(worker instanceof Worker && worker instanceof Class)) return 'of another class'
        return (await once(worker, 'message'))[0]
      } catch (error) {
        return error.code
      }
    }
    const found = []
    for (const Class of classes(threads, Worker)) {
      found.push(await red.run(outcome, Class), await outcome(Class))
    }
    const names = new Map([[red.id, 'red'], [NetNs.home().id, 'home']])
    console.log(JSON.stringify(found.map((each) => names.get(each) ?? each)))`
}

it('a Worker by a class from before there were hooks is refused inside, and so is one that extends it', async () => {
  const classes = '((Early) => () => [Worker, Early])(class Early extends Worker {})'
  expect(await program(byClasses(classes))).toEqual(['ERR_NETNS_CAPTURED', 'home', 'ERR_NETNS_CAPTURED', 'home'])
  // With one made already, by the hooked class.
  const later = '(threads) => [threads.Worker, class Late extends threads.Worker {}, Worker]'
  expect(await program(byClasses(later))).toEqual(['red', 'home', 'red', 'home', 'ERR_NETNS_CAPTURED', 'home'])
})

it('a Worker is inside where the program has put another class into the place of it, whatever that is', async () => {
  const replaced = (Class: string) => `(threads.Worker = ${Class}, (threads) => [threads.Worker, Worker])`
  const extended = replaced('class Traced extends Worker {}')
  expect(await program(byClasses(extended))).toEqual(['red', 'home', 'ERR_NETNS_CAPTURED', 'home'])
  const proxied = replaced('new Proxy(Worker, {})')
  expect(await program(byClasses(proxied))).toEqual(['red', 'home', 'ERR_NETNS_CAPTURED', 'home'])
  // Nobody can tell what it will call, so that what it made is looked at.
  const called = replaced(
    'Object.assign(function (...args) { return Reflect.construct(Worker, args, new.target) }, { prototype: Worker.prototype })'
  )
  expect(await program(byClasses(called))).toEqual(['red', 'home', 'ERR_NETNS_CAPTURED', 'home'])
})

it('name servers are not set for all by a reference from before there were hooks, called inside', async () => {
  const source = `import { createRequire } from 'node:module'
    const dns = createRequire(import.meta.url)('node:dns')
    const setters = [dns.setServers, dns.promises.setServers]
    const before = dns.getServers()
    const outcomes = setters.map((set) => red.run(() => {
      try {
        set(['192.0.2.53'])
        return 'set'
      } catch (error) {
        return error.code
      }
    }))
    console.log(JSON.stringify([...outcomes, String(dns.getServers()) === String(before)]))`
  expect(await program(source)).toEqual(['ERR_NETNS_CAPTURED', 'ERR_NETNS_CAPTURED', true])
})

/** What a program may have frozen, each with what is named then: nothing where contexts do not replace it. */
const FROZEN: [string, string | undefined][] = [
  ['os', 'os.networkInterfaces'],
  ['dns', 'dns.'],
  ['dns.promises', 'setServers'],
  ['child_process', 'child_process.'],
  ['child_process.ChildProcess.prototype', 'ChildProcess.prototype.emit'],
  ['http.Agent.prototype', 'Agent.prototype.'],
  ['net.Server.prototype', 'Server.prototype.'],
  ['dgram', 'dgram.createSocket'],
  ['worker_threads', 'worker_threads.Worker'],
  ['worker_threads.Worker', 'what Worker extends'],
  ['vm.Script.prototype', undefined],
  ['process.binding("tcp_wrap").TCP.prototype', 'TCP.prototype.'],
  ['process.binding("udp_wrap").UDP.prototype', 'UDP.prototype.']
]
it.each(FROZEN)('with %s frozen says so, and changes nothing', async (what, named) => {
  const source = `
    const names = ['child_process', 'dgram', 'dns', 'http', 'net', 'os', 'vm', 'worker_threads']
    const modules = Object.fromEntries(names.map((name) => [name, process.getBuiltinModule(name)]))
    const { child_process, dgram, dns, http, net, os, vm, worker_threads } = modules
    await fetch('http://127.0.0.1:1/').catch(() => {})
    const dispatchers = () => [1, 2].map((number) => globalThis[Symbol.for('undici.globalDispatcher.' + number)])
    const before = dispatchers()
    const dispatch = before.map((dispatcher) => dispatcher?.dispatch)
    Object.freeze(${what})
    const tried = ['run', 'enter', 'bind'].map((verb) => {
      try {
        red[verb](() => {})
        return 'ok'
      } catch ({ code, message }) {
        return [code, message]
      }
    })
    const same = dispatchers().every((dispatcher, at) => dispatcher === before[at] && dispatcher?.dispatch === dispatch[at])
    console.log(JSON.stringify({ tried, same }))`
  const { tried, same } = (await program(source, ['--no-deprecation'])) as { tried: unknown[]; same: boolean }
  if (named === undefined) {
    expect(tried).toEqual(['ok', 'ok', 'ok'])
  } else {
    expect(same).toBe(true)
    for (const each of tried) expect(each).toEqual(['ERR_NETNS_RUNTIME', expect.stringContaining(`replace ${named}`)])
  }
})

it('a query where the prototype of all objects is frozen, as hardened programs have it', async () => {
  const source = `
    import dgram from 'node:dgram'
    import dns from 'node:dns'
    import { once } from 'node:events'
    const address = await red.run(async () => {
      const server = dgram.createSocket('udp4').bind(53, '127.0.0.1')
      await once(server, 'listening')
      server.on('message', (query, { port }) => {
        const asked = query.subarray(0, query.indexOf(0, 12) + 5)
        const answer = Buffer.from('c00c000100010000000100047f000005', 'hex')
        const said = Buffer.concat([asked, answer])
        said.writeUInt32BE(0x81800001, 2)
        said.writeBigUInt64BE(0x0001_0001_0000_0000n, 4)
        server.send(said, port, '127.0.0.1')
      })
      Object.freeze(Object.prototype)
      try {
        return [await dns.promises.resolve4('x.test'), (await dns.promises.lookup('y.test', { family: 4 })).address]
      } finally {
        server.close()
      }
    }).catch((error) => error.message)
    console.log(JSON.stringify(address))`
  expect(await program(source)).toEqual([['127.0.0.5'], '127.0.0.5'])
})
