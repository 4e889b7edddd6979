/** Node's modules bound to a namespace: used from outside, they are as Node's are, and inside. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { mock } from 'node:test'
import tls from 'node:tls'
import { inherits } from 'node:util'
import { cert, key } from '../../offline/certificate.mjs'
import { first, later, listen, namespace, told } from '../../offline/kit.mjs'
import { agent, answering, get, nameIn } from '../../offline/web.mjs'

const LOCAL = 'http://127.0.0.1/'
/** Those of Node's own; `dns` is ours. */
const MODULES = { childProcess, http, https, net, tls }

/** Calls what an object inherits by the same name as a method of its own, and counts; undone when the scenario is over. */
function counting(prototype, name) {
  const before = Object.getOwnPropertyDescriptor(prototype, name)
  const { [name]: original } = prototype
  const seen = { count: 0 }
  prototype[name] = function (...args) {
    seen.count += 1
    return original.apply(this, args)
  }
  later(() => {
    if (before === undefined) delete prototype[name]
    else Object.defineProperty(prototype, name, before)
  })
  return seen
}

/** Whether a request is given a socket that another one had. */
async function reuses(ask) {
  const request = ask()
  const response = await first(request, 'response')
  assert.equal(await told(response), 'red')
  // It is free again in the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  return request.reusedSocket
}

export default {
  'the global agents are the namespace’s, and share connections with requests that name none': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    later(() => http.globalAgent.destroy())
    const { globalAgent } = red.http
    assert.equal(globalAgent, red.http.globalAgent)
    assert.notEqual(globalAgent, http.globalAgent)
    assert.ok(globalAgent instanceof http.Agent && globalAgent instanceof red.http.Agent)
    assert.equal(globalAgent.constructor, red.http.Agent)
    for (let round = 0; round < 3; round += 1) {
      assert.equal(await get(LOCAL, { agent: red.http.globalAgent }), 'red')
      assert.equal(await get(LOCAL, { agent: blue.http.globalAgent }), 'blue')
      assert.equal(await blue.run(get, LOCAL, { agent: red.http.globalAgent }), 'red')
      await assert.rejects(get(LOCAL), { code: 'ENETUNREACH' })
    }
    http.globalAgent.destroy()
    await reuses(() => red.http.get(LOCAL))
    assert.ok(await reuses(() => http.get(LOCAL, { agent: globalAgent })))
    assert.ok(await reuses(() => red.http.get(LOCAL)))
    assert.equal(globalAgent.freeSockets[globalAgent.getName({ host: '127.0.0.1', port: 80 })]?.length, 1)
  },
  'the global agent of a namespace is Node’s, which was not used before, to whoever sets it': async () => {
    const red = namespace()
    await red.run(answering('red'))
    const own = new http.Agent({ keepAlive: true })
    const { globalAgent } = http
    http.globalAgent = own
    later(() => {
      http.globalAgent = globalAgent
      own.destroy()
    })
    assert.equal(await get(LOCAL, { agent: red.http.globalAgent }), 'red')
    assert.deepEqual(Object.keys(own.freeSockets), [nameIn(red)])
    red.http.globalAgent.maxSockets = 3
    assert.equal(own.maxSockets, 3)
    assert.equal(own.getName({ host: 'a' }), 'a::')
  },
  'the global agent of https is the namespace’s': async () => {
    const red = namespace()
    await red.run(() =>
      listen(
        https.createServer({ cert, key }, (_, response) => response.end('red')),
        443,
        '127.0.0.1'
      )
    )
    later(() => https.globalAgent.destroy())
    const options = { agent: red.https.globalAgent, checkServerIdentity: () => undefined }
    assert.equal(await get('https://127.0.0.1/', options), 'red')
    assert.equal(await get('https://127.0.0.1/', options), 'red')
  },
  'an agent’s names are those that its sockets are filed under, wherever they are asked for': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    const unused = agent({}, red.http.Agent)
    const kept = agent({ keepAlive: true }, red.http.Agent)
    class Own extends red.http.Agent {
      getName({ host }) {
        return `own:${host}`
      }
    }
    const own = agent({ keepAlive: true }, Own)
    for (const used of [kept, own]) assert.equal(await get(LOCAL, { agent: used }), 'red')
    await new Promise((resolve) => setImmediate(resolve))
    const options = { host: '127.0.0.1', port: 80 }
    for (const ask of [(fn) => fn(), red.run.bind(red), blue.run.bind(blue)]) {
      assert.equal(
        ask(() => unused.getName(options)),
        '127.0.0.1:80:'
      )
      assert.deepEqual(Object.keys(kept.freeSockets), [ask(() => kept.getName(options))])
      assert.deepEqual(Object.keys(own.freeSockets), [ask(() => own.getName(options))])
    }
  },
  'ChildProcess starts its program inside, wherever spawn is called': async () => {
    const red = namespace()
    const child = new red.childProcess.ChildProcess()
    child.spawn({
      file: 'readlink',
      args: ['readlink', '/proc/self/ns/net'],
      envPairs: [`PATH=${process.env.PATH}`],
      stdio: ['ignore', 'pipe', 'inherit']
    })
    assert.equal((await told(child.stdout)).trim(), red.id)
  },
  'a request that waits in an agent’s queue when the handle is closed is told, as are later ones': async () => {
    for (const keepAlive of [false, true]) {
      const red = namespace()
      let answer
      const server = http.createServer((_, response) => {
        answer = () => response.setHeader('connection', 'close').end('red')
      })
      await red.run(listen, server, 80, '127.0.0.1')
      const bound = agent({ maxSockets: 1, keepAlive }, red.http.Agent)
      const answered = get(LOCAL, { agent: bound })
      const waiting = assert.rejects(get(LOCAL, { agent: bound }), { code: 'ERR_NETNS_CLOSED' })
      await once(server, 'request')
      red.close()
      answer()
      assert.equal(await answered, 'red')
      await waiting
      await assert.rejects(get(LOCAL, { agent: bound }), { code: 'ERR_NETNS_CLOSED' })
    }
  },
  'what was made before the handle is closed tells of it as it does of other failures': async () => {
    const red = namespace()
    const error = { code: 'ERR_NETNS_CLOSED' }
    const socket = new red.net.Socket()
    const named = new red.net.Socket()
    const server = red.net.createServer()
    const datagrams = red.dgram.createSocket('udp4')
    const resolver = new red.dns.Resolver()
    const { Agent } = red.http
    red.close()
    const failure = (emitter, act) => assert.rejects(first(act(emitter), 'nothing'), error)
    await failure(socket, () => socket.connect(80, '127.0.0.1'))
    await failure(named, () => named.connect(80, 'localhost'))
    await failure(server, () => server.listen(80))
    await failure(datagrams, () => datagrams.bind(80))
    await new Promise((resolve) =>
      resolver.resolve4('a.test', (cause) => resolve(assert.equal(cause.code, error.code)))
    )
    assert.throws(() => new Agent(), error)
    assert.throws(() => red.net.connect(80), error)
  },
  'classes of the style before ES6 inherit from bound ones': async () => {
    const red = namespace()
    await red.run(answering('red'))
    function Server(listener) {
      red.http.Server.call(this, listener)
    }
    inherits(Server, red.http.Server)
    function Agent(options) {
      red.http.Agent.call(this, options)
    }
    inherits(Agent, red.http.Agent)
    function Socket() {
      red.net.Socket.call(this)
    }
    inherits(Socket, red.net.Socket)
    const port = await listen(new Server((_, response) => response.end('old')))
    const used = agent({}, Agent)
    assert.ok(used instanceof Agent && used instanceof red.http.Agent)
    assert.equal(await get(`http://127.0.0.1:${port}/`, { agent: used }), 'old')
    const socket = new Socket().connect(80, '127.0.0.1')
    later(() => socket.destroy())
    await once(socket, 'connect')
  },
  'called without new a class does as Node’s': async () => {
    const red = namespace()
    await red.run(answering('red'))
    const socket = red.net.Socket()
    assert.equal(socket.constructor, red.net.Socket)
    await once(socket.connect(80, '127.0.0.1'), 'connect')
    socket.destroy()
    assert.equal(await get(LOCAL, { agent: red.http.Agent() }), 'red')
    assert.throws(() => red.dns.Resolver(), TypeError)
    assert.throws(() => red.net.BlockList(), TypeError)
  },
  'what Node makes by itself is of the bound classes': async () => {
    const red = namespace()
    const { Server, Socket } = red.net
    const { ClientRequest, IncomingMessage, ServerResponse } = red.http
    const handled = new Promise((resolve) => {
      const server = red.http.createServer((request, response) => {
        resolve({ request, response })
        response.end()
      })
      red.run(listen, server, 80, '127.0.0.1')
    })
    const asked = red.http.get({ host: '127.0.0.1', agent: false })
    assert.ok(asked instanceof ClientRequest)
    assert.ok((await first(asked, 'response')).resume() instanceof IncomingMessage)
    const { request, response } = await handled
    assert.ok(
      request instanceof IncomingMessage && request.socket instanceof Socket && response instanceof ServerResponse
    )
    const child = red.spawn('true')
    assert.ok(child instanceof red.childProcess.ChildProcess)
    await once(child, 'exit')
    assert.ok(red.tls.createSecureContext() instanceof red.tls.SecureContext)
    assert.ok(!(request instanceof Socket) && !(null instanceof Socket))
    assert.equal(namespace().net.createServer().constructor.name, 'Server')
    const fresh = namespace()
    const made = fresh.net.createServer()
    assert.equal(made.constructor, fresh.net.Server)
    assert.notEqual(made.constructor, Server)
    class Own extends red.net.Socket {}
    assert.ok(new Own() instanceof Own)
    assert.ok(!(new net.Socket() instanceof Own) && !(new Socket() instanceof Own))
  },
  'what a module has can be replaced, for that namespace alone': async () => {
    const [red, blue] = [namespace(), namespace()]
    const before = { ...http }
    const own = new red.http.Agent()
    red.http.globalAgent = own
    assert.equal(red.http.globalAgent, own)
    red.http.get = () => 'mine'
    assert.equal(red.http.get(), 'mine')
    mock.method(red.http, 'request', () => 'mocked')
    assert.equal(red.http.request(), 'mocked')
    mock.method(red.childProcess, 'spawn', () => 'mocked')
    assert.equal(red.spawn(), 'mocked')
    assert.deepEqual({ ...http }, before)
    assert.notEqual(
      blue.http.get(LOCAL).on('error', () => {}),
      'mine'
    )
    assert.notEqual(blue.http.globalAgent, own)
    mock.restoreAll()
    const child = red.spawn('true')
    await once(child, 'exit')
    delete red.http.get
    assert.equal(red.http.get, undefined)
  },
  'requests that name no agent go by the one that is set as global for the namespace': async () => {
    const red = namespace()
    await red.run(answering('red'))
    for (const [name, scheme, port] of [
      ['http', 'http', 80],
      ['https', 'https', 443]
    ]) {
      const { [name]: module } = red
      let dialled = 0
      class Own extends module.Agent {
        createConnection() {
          dialled += 1
          return net.connect(80, '127.0.0.1')
        }
      }
      module.globalAgent = new Own()
      const url = `${scheme}://127.0.0.1:${port}/`
      const options = { host: '127.0.0.1', port }
      const ways = [
        [url],
        [url, {}],
        [new URL(url)],
        [new URL(url), { agent: undefined }],
        [options],
        [{ ...options, agent: null }],
        [url, () => {}],
        [{ ...options, path: '/', href: url, protocol: `${scheme}:`, auth: null }]
      ]
      for (const way of ways) {
        const response = await first(module.get(...way), 'response')
        assert.equal(await told(response), 'red')
      }
      assert.equal(dialled, ways.length)
      const others = [{ agent: false }, { createConnection: () => net.connect(1, '127.0.0.1') }]
      for (const other of others)
        await once(
          module.get(url, other).on('response', (got) => got.resume()),
          'close'
        ).catch(() => {})
      const outside = scheme === 'http' ? http : https
      await assert.rejects(first(outside.get(url), 'response'), { code: 'ENETUNREACH' })
      assert.equal(dialled, ways.length)
    }
  },
  'what is taken back from a replacement follows Node’s again': () => {
    const red = namespace()
    const { get: before } = red.http
    mock.method(red.http, 'get', () => 1)
    mock.restoreAll()
    assert.equal(red.http.get, before)
    mock.method(http, 'get', () => 'other')
    try {
      assert.equal(red.http.get(), 'other')
    } finally {
      mock.restoreAll()
    }
  },
  'what is patched on Node’s prototypes later is called': async () => {
    const red = namespace()
    const port = await red.run(() => listen(net.createServer((socket) => socket.end('red'))))
    await red.run(answering('red'))
    const bound = agent({}, red.http.Agent)
    const socket = new red.net.Socket()
    const server = red.net.createServer()
    const calls = [
      [http.Agent.prototype, 'addRequest'],
      [http.Agent.prototype, 'createConnection'],
      [http.Agent.prototype, 'createSocket'],
      [net.Socket.prototype, 'connect'],
      [net.Server.prototype, 'listen']
    ].map((call) => counting(...call))
    assert.equal(await get(LOCAL, { agent: bound }), 'red')
    assert.deepEqual(
      calls.map(({ count }) => count),
      [1, 1, 1, 1, 0]
    )
    assert.equal(await told(socket.connect(port, '127.0.0.1')), 'red')
    server.listen(0).close()
    assert.equal(calls[3].count, 2)
    assert.equal(calls[4].count, 1)
    const plain = counting(http.globalAgent, 'createConnection')
    assert.equal(await get(LOCAL, { agent: red.http.globalAgent }), 'red')
    assert.equal(plain.count, 1)
    http.globalAgent.destroy()
  },
  'functions, classes and methods have the names and lengths of Node’s': () => {
    const red = namespace()
    for (const [name, module] of Object.entries(MODULES)) {
      for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(module))) {
        if (typeof value !== 'function') continue
        const { [key]: bound } = red[name]
        assert.deepEqual([bound.name, bound.length], [value.name, value.length], `${name}.${key}`)
      }
    }
    for (const method of ['connect', 'end']) {
      const { [method]: bound } = red.net.Socket.prototype
      const { [method]: plain } = net.Socket.prototype
      assert.deepEqual([bound.name, bound.length], [plain.name, plain.length])
    }
  },
  'a module is what it was once it is frozen, sealed, or said not to be writable': () => {
    const red = namespace()
    const { connect } = red.net
    assert.equal(Object.freeze(red.net).connect, connect)
    assert.ok(Object.isFrozen(red.net))
    assert.equal({ ...Object.seal(red.http) }.get, red.http.get)
    const { createSocket } = red.dgram
    for (const change of [{ writable: false }, { configurable: false, value: createSocket }]) {
      Object.defineProperty(red.dgram, 'createSocket', change)
      assert.equal(red.dgram.createSocket, createSocket)
      const { value, ...rest } = Object.getOwnPropertyDescriptor(red.dgram, 'createSocket')
      assert.deepEqual([value, rest.writable], [createSocket, false])
    }
  },
  'modules have the properties of Node’s, to look at and to inherit': () => {
    const red = namespace()
    for (const [name, module] of Object.entries(MODULES)) {
      assert.deepEqual(Reflect.ownKeys(red[name]), Reflect.ownKeys(module))
      for (const key of Reflect.ownKeys(module)) {
        const [bound, plain] = [red[name], module].map((each) => Object.getOwnPropertyDescriptor(each, key))
        assert.equal('value' in bound, 'value' in plain, key)
        assert.equal(bound.enumerable, plain.enumerable, key)
      }
    }
    const heir = Object.create(red.net)
    heir.connect = 1
    assert.equal(typeof red.net.connect, 'function')
    assert.equal(heir.connect, 1)
  }
}
