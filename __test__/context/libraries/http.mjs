/** Clients of HTTP as programs use them: unmodified, with their own pools and agents, against servers as programs use them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import axios from 'axios'
import express from 'express'
import got from 'got'
import { NetNs } from 'node-netns'
import {
  Agent,
  BalancedPool,
  Client,
  interceptors,
  MockAgent,
  Pool,
  ProxyAgent,
  RetryAgent,
  request,
  setGlobalDispatcher,
  WebSocket as UndiciWebSocket,
  fetch as undiciFetch
} from 'undici'
import { WebSocket, WebSocketServer } from 'ws'
import { cert, key } from '../../offline/certificate.mjs'
import { later, listen, nameServer, namespace } from '../../offline/kit.mjs'
import { silentAndServing } from '../../offline/web.mjs'

/** An express application that says where it is, and what it was sent. */
async function serve(text, port = 80) {
  const application = express()
  application.use(express.text())
  application.get('/', (_request, response) => response.send(text))
  application.post('/', (incoming, response) => response.json({ text, body: incoming.body }))
  const server = http.createServer(application)
  await listen(server, port, '127.0.0.1')
  return server
}

async function stop(server) {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

/** Each client: how it gets the text of a page. */
const CLIENTS = {
  axios: async (url) => (await axios.get(url)).data,
  got: (url) => got(url, { retry: { limit: 0 } }).text(),
  'got with a keep-alive agent': (url) => got(url, { agent: { http: shared }, retry: { limit: 0 } }).text(),
  'axios with a keep-alive agent': async (url) => (await axios.get(url, { httpAgent: shared })).data
}
const shared = new http.Agent({ keepAlive: true, maxSockets: 2 })

const apart = Object.entries(CLIENTS).map(([what, get]) => [
  `${what}: two namespaces on one port, and a server that restarts`,
  async () => {
    const [red, blue] = [namespace(), namespace()]
    const server = await red.run(() => serve('red'))
    await blue.run(() => serve('blue'))
    const order = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? red : blue))
    const texts = await Promise.all(order.map((place) => place.run(get, 'http://127.0.0.1/')))
    assert.deepEqual(
      texts,
      order.map((place) => (place === red ? 'red' : 'blue'))
    )
    await stop(server)
    // Reset is what a kept connection says first.
    await assert.rejects(red.run(get, 'http://127.0.0.1/'), { code: /^ECONN(REFUSED|RESET)$/ })
    assert.equal(await blue.run(get, 'http://127.0.0.1/'), 'blue')
    await red.run(() => serve('red again'))
    assert.equal(await red.run(get, 'http://127.0.0.1/'), 'red again')
    await assert.rejects(get('http://127.0.0.1/'), { code: 'ENETUNREACH' })
    shared.destroy()
  }
])

/** Pools of undici are made for one origin, in one namespace. */
const POOLS = {
  Client: (origin) => new Client(origin),
  Pool: (origin) => new Pool(origin, { connections: 3 }),
  Agent: () => new Agent({ connections: 3 })
}

const pooled = Object.entries(POOLS).map(([what, make]) => [
  `undici's ${what}: each with its own answers, and a server that restarts`,
  async () => {
    const places = [namespace(), namespace()]
    const servers = []
    for (const place of places) servers.push(await place.run(() => serve(place.id)))
    await Promise.all(
      places.map((place, n) =>
        place.run(async () => {
          const dispatcher = make('http://127.0.0.1')
          later(() => dispatcher.destroy())
          const get = async () => (await request('http://127.0.0.1/', { dispatcher })).body.text()
          assert.deepEqual(new Set(await Promise.all([get(), get(), get(), get()])), new Set([place.id]))
          await stop(servers[n])
          await assert.rejects(get())
          await serve(`${place.id} again`)
          assert.equal(await get(), `${place.id} again`)
        })
      )
    )
  }
])

/** Undoes what the scenario sets. Not by undici: on Node 26 it has two, and sets both to what was the first. */
function keepDispatchers() {
  for (const version of [1, 2]) {
    const symbol = Symbol.for(`undici.globalDispatcher.${version}`)
    const before = globalThis[symbol]
    later(() => {
      globalThis[symbol] = before
    })
  }
}

const RETRY = { maxRetries: 1, minTimeout: 1, errorCodes: ['UND_ERR_CONNECT_TIMEOUT'] }

/** What asks for pages again, or has some wait, each made and used in one namespace. */
const DISPATCHERS = {
  Client: (connect) => new Client('http://192.0.2.1', { connect }),
  Pool: (connect) => new Pool('http://192.0.2.1', { connections: 1, connect }),
  BalancedPool: (connect) => new BalancedPool('http://192.0.2.1', { connections: 1, connect }),
  RetryAgent: (connect) => new RetryAgent(new Agent({ connect }), RETRY),
  'Agent that is composed': (connect) => new Agent({ connect }).compose(interceptors.retry(RETRY))
}

const timedOut = Object.entries(DISPATCHERS).map(([what, make]) => [
  `undici's ${what}: after a connection timed out, in a turn of another namespace's, the next one is in its own`,
  async () => {
    const { red, blue } = await silentAndServing()
    // Begins the one timer that undici has.
    const first = blue.run(() => new Client('http://192.0.2.1'))
    later(() => first.destroy())
    blue.run(() => first.request({ path: '/wait', method: 'GET' })).catch(() => {})
    const dispatcher = red.run(make, { timeout: 1100 })
    later(() => dispatcher.destroy())
    const get = () => request('http://192.0.2.1/', { dispatcher }).then(({ body }) => body.text())
    const asked = [red.run(get), red.run(get)].map((each) => each.catch((error) => error.code))
    assert.deepEqual(await Promise.all(asked), Array(2).fill('UND_ERR_CONNECT_TIMEOUT'))
  }
])

export default {
  ...Object.fromEntries(timedOut),
  ...Object.fromEntries(apart),
  ...Object.fromEntries(pooled),
  "undici's global dispatcher, as its own fetch uses it": async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(() => serve('red'))
    await blue.run(() => serve('blue'))
    const get = async () => (await undiciFetch('http://127.0.0.1/')).text()
    for (const [place, text] of [
      [red, 'red'],
      [blue, 'blue'],
      [red, 'red']
    ])
      assert.equal(await place.run(get), text)
  },
  'a global dispatcher of the program keeps its options inside': async () => {
    keepDispatchers()
    setGlobalDispatcher(new Agent({ connect: { ca: cert } }))
    for (const place of [namespace(), namespace()])
      await place.run(async () => {
        await nameServer({ 'server.test': '127.0.0.1' })
        await listen(
          https.createServer({ key, cert }, (_, response) => response.end(place.id)),
          443,
          '127.0.0.1'
        )
        for (const get of [fetch, undiciFetch]) assert.equal(await (await get('https://server.test/')).text(), place.id)
      })
  },
  'a global dispatcher that cannot be made again is refused inside, and serves outside': async () => {
    keepDispatchers()
    const mock = new MockAgent()
    mock.get('http://127.0.0.1').intercept({ path: '/' }).reply(200, 'mocked').persist()
    const composed = new Agent().compose((dispatch) => (options, handler) => dispatch(options, handler))
    for (const dispatcher of [new ProxyAgent('http://127.0.0.1:3128'), composed, mock]) {
      setGlobalDispatcher(dispatcher)
      const red = namespace()
      await red.run(() => serve('red'))
      await assert.rejects(
        red.run(() => fetch('http://127.0.0.1/')),
        ({ cause }) => cause.code === 'ERR_NETNS_DISPATCHER' && cause.message.includes(dispatcher.constructor.name)
      )
    }
    assert.equal(await (await undiciFetch('http://127.0.0.1/')).text(), 'mocked')
  },
  'a global dispatcher that is set while others are inside shares no connection': async () => {
    const [red, blue] = [namespace(), namespace()]
    for (const place of [red, blue]) await place.run(() => serve(place.id))
    const get = async () => (await request('http://127.0.0.1/')).body.text()
    const getLater = async () => (await undiciFetch('http://127.0.0.1/')).text()
    for (const set of [(dispatcher) => setGlobalDispatcher(dispatcher), red.bind(setGlobalDispatcher)]) {
      keepDispatchers()
      let start
      const released = new Promise((resolve) => {
        start = resolve
      })
      const asked = [red, blue, red].flatMap((place) => [
        place.run(() => released.then(get)),
        place.run(() => released.then(getLater))
      ])
      set(new Agent())
      start()
      assert.deepEqual(
        await Promise.all(asked),
        [red, blue, red].flatMap(({ id }) => [id, id])
      )
      await assert.rejects(get(), { code: 'ENETUNREACH' })
      await assert.rejects(getLater(), ({ cause }) => cause.code === 'ENETUNREACH')
    }
  },
  'what waits for one of few connections is connected where it was asked for, whoever makes room': async () => {
    const [red, blue] = [namespace(), namespace()]
    for (const [asking, other] of [
      [red, blue],
      [blue, NetNs.home()],
      [NetNs.home(), red]
    ]) {
      keepDispatchers()
      const dialled = []
      const connect = (_options, callback) => dialled.push({ place: NetNs.current().id, callback })
      const connections = async (count) => {
        while (dialled.length < count) await new Promise(setImmediate)
      }
      setGlobalDispatcher(new Agent({ connections: 2, connect }))
      const asked = asking.run(() => [0, 1, 2].map(() => assert.rejects(undiciFetch('http://127.0.0.1/'))))
      await connections(2)
      other.run(dialled[0].callback, new Error('no connection'))
      await connections(3)
      for (const { callback } of dialled.slice(1)) asking.run(callback, new Error('no connection'))
      await Promise.all(asked)
      assert.deepEqual(
        dialled.map(({ place }) => place),
        Array(3).fill(asking.id)
      )
    }
  },
  'outside(ns): whatever global dispatcher the program sets is used there, by fetch too': async () => {
    keepDispatchers()
    const [red, blue] = [namespace(), namespace()]
    for (const place of [red, blue]) await place.run(() => serve(place.id))
    NetNs.outside(red)
    setGlobalDispatcher(new Agent().compose((dispatch) => (options, handler) => dispatch(options, handler)))
    for (const get of [fetch, undiciFetch]) assert.equal(await (await get('http://127.0.0.1/')).text(), red.id)
    await assert.rejects(
      blue.run(() => fetch('http://127.0.0.1/')),
      ({ cause }) => cause.code === 'ERR_NETNS_DISPATCHER'
    )
  },
  'express reads a body, and axios posts it': async () => {
    await namespace().run(async () => {
      await serve('here')
      const { data } = await axios.post('http://127.0.0.1/', 'some text', { headers: { 'content-type': 'text/plain' } })
      assert.deepEqual(data, { text: 'here', body: 'some text' })
    })
  },
  'axios, got and undici by HTTPS and a name': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.1' })
      const server = https.createServer({ key, cert }, (_, response) => response.end('secure'))
      await listen(server, 443, '127.0.0.1')
      const url = 'https://server.test/'
      const agent = new https.Agent({ ca: cert })
      assert.equal((await axios.get(url, { httpsAgent: agent })).data, 'secure')
      assert.equal(await got(url, { https: { certificateAuthority: cert }, retry: { limit: 0 } }).text(), 'secure')
      const dispatcher = new Agent({ connect: { ca: cert } })
      later(() => dispatcher.destroy())
      assert.equal(await (await request(url, { dispatcher })).body.text(), 'secure')
    })
  },
  'ws: two namespaces on one port, and a client that connects again': async () => {
    const places = [namespace(), namespace()]
    await Promise.all(
      places.map((place) =>
        place.run(async () => {
          const talk = async (Socket) => {
            const client = new Socket('ws://127.0.0.1/')
            const heard = new Promise((resolve, reject) => {
              client.onmessage = ({ data }) => resolve(String(data))
              client.onerror = reject
            })
            client.onopen = () => client.send('where?')
            const closed = new Promise((resolve) => {
              client.onclose = resolve
            })
            const text = await heard
            client.close()
            await closed
            return text
          }
          for (const text of [place.id, `${place.id} again`]) {
            const server = new WebSocketServer({ port: 80, host: '127.0.0.1' })
            await once(server, 'listening')
            // What a server does for a message is inside as well: it asks another server there.
            const behind = await serve(text, 8080)
            server.on('connection', (client) =>
              client.on('message', async () => client.send((await axios.get('http://127.0.0.1:8080/')).data))
            )
            assert.equal(await talk(WebSocket), text)
            assert.equal(await talk(UndiciWebSocket), text)
            for (const client of server.clients) client.terminate()
            await new Promise((resolve) => server.close(resolve))
            await stop(behind)
          }
        })
      )
    )
  }
}
