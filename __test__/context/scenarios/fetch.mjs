/** What browsers have too: `fetch`, `WebSocket`, `EventSource`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { WebSocketServer } from 'ws'
import { later, listen, nameServer, namespace } from '../../offline/kit.mjs'
import { silentAndServing } from '../../offline/web.mjs'

const answering = (text) => () =>
  listen(
    http.createServer((_, response) => response.end(text)),
    80,
    '127.0.0.1'
  )
/** Who asks first begins the one timer that undici has for what takes more than a second: its turns are his. */
async function beginTimer(place) {
  const waiting = new AbortController()
  later(() => waiting.abort())
  place.run(fetch, 'http://192.0.2.1/wait', { signal: waiting.signal }).catch(() => {})
  // As long as a connection of his waits, the timer runs.
  await new Promise((resolve) => setImmediate(resolve))
}

/** A dispatcher of Node's, without undici. */
function dispatcher(options) {
  // Touched, there is a global one.
  void globalThis.Response
  const global =
    globalThis[Symbol.for('undici.globalDispatcher.2')] ?? globalThis[Symbol.for('undici.globalDispatcher.1')]
  const made = new global.constructor(options)
  later(() => made.destroy())
  return made
}

const code = (error) => error.cause.code
const body = async (url, options) => (await fetch(url, options)).text()

export default {
  'fetch in two namespaces, on one port, in turns and at once': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    const order = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? red : blue))
    const expected = order.map((place) => (place === red ? 'red' : 'blue'))
    assert.deepEqual(await Promise.all(order.map((place) => place.run(body, 'http://127.0.0.1/'))), expected)
    for (const place of order.slice(0, 4)) {
      assert.equal(await place.run(body, 'http://127.0.0.1/'), place === red ? 'red' : 'blue')
    }
    await assert.rejects(body('http://127.0.0.1/'), (error) => error.cause.code === 'ENETUNREACH')
  },
  'fetch by a name, and a body that is read later': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.7' })
      const server = http.createServer(async (request, response) => {
        for await (const chunk of request) response.write(chunk)
        response.end()
      })
      const port = await listen(server, 0, '127.0.0.7')
      const response = await fetch(`http://server.test:${port}/`, { method: 'POST', body: 'a'.repeat(100_000) })
      await new Promise((resolve) => setTimeout(resolve, 5))
      assert.equal((await response.text()).length, 100_000)
    })
  },
  'fetch connects again after its server restarted': async () => {
    await namespace().run(async () => {
      for (const text of ['first', 'second']) {
        const server = http.createServer((_, response) => response.end(text))
        await listen(server, 8080, '127.0.0.1')
        assert.equal(await body('http://127.0.0.1:8080/'), text)
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    })
  },
  'a Request made outside is fetched inside; redirects stay there': async () => {
    const request = new Request('http://127.0.0.1/from')
    const red = namespace()
    await red.run(async () => {
      const server = http.createServer((incoming, response) => {
        if (incoming.url === '/from') response.writeHead(302, { location: '/to' })
        response.end(incoming.url)
      })
      await listen(server, 80, '127.0.0.1')
      assert.equal(await (await fetch(request)).text(), '/to')
    })
  },
  'WebSocket in two namespaces, on one port': async () => {
    const places = [namespace(), namespace()]
    for (const place of places) {
      await place.run(async () => {
        const server = new WebSocketServer({ port: 80, host: '127.0.0.1' })
        later(() => new Promise((resolve) => server.close(resolve)))
        server.on('connection', (client) => client.on('message', () => client.send(NetNs.current().id)))
        await once(server, 'listening')
      })
    }
    for (const place of places) {
      const answer = await place.run(
        () =>
          new Promise((resolve, reject) => {
            const client = new WebSocket('ws://127.0.0.1/')
            client.onerror = reject
            client.onopen = () => client.send('where?')
            client.onmessage = ({ data }) => {
              client.close()
              client.onclose = () => resolve(data)
            }
          })
      )
      assert.equal(answer, place.id)
    }
    const refused = new WebSocket('ws://127.0.0.1/')
    await new Promise((resolve) => {
      refused.onerror = resolve
    })
  },
  'a dispatcher of the program: a request that waited for one whose connection timed out is not connected elsewhere':
    async () => {
      const { red, blue } = await silentAndServing()
      await beginTimer(blue)
      for (const connections of [1, 2]) {
        const own = red.run(dispatcher, { connections, connect: { timeout: 1100 } })
        const asked = Array.from({ length: 3 }, () =>
          red.run(body, 'http://192.0.2.1/', { dispatcher: own }).catch(code)
        )
        assert.deepEqual(await Promise.all(asked), Array(3).fill('UND_ERR_CONNECT_TIMEOUT'))
      }
    },
  'a dispatcher of the program: so it is where the handshake of TLS takes too long': async () => {
    const { red, blue } = await silentAndServing()
    await beginTimer(blue)
    // Whoever connects there says so by what he gets: nobody listens on that port.
    await red.run(() => listen(net.createServer(), 443, '127.0.0.1'))
    const own = red.run(dispatcher, { connections: 1, connect: { timeout: 1100 } })
    const asked = [1, 2].map(() => red.run(body, 'https://127.0.0.1/', { dispatcher: own }).catch(code))
    assert.deepEqual(await Promise.all(asked), Array(2).fill('UND_ERR_CONNECT_TIMEOUT'))
  },
  'touched for the first time in two namespaces at once, they share no connection': async () => {
    const program = fileURLToPath(new URL('../programs/first-touch.mjs', import.meta.url))
    for (const touch of ['fetch', 'WebSocket', 'EventSource', 'nothing']) {
      const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, program, touch])
      assert.deepEqual(JSON.parse(stdout), ['data: red', 'data: blue', 'ENETUNREACH'], touch)
    }
  },
  'EventSource comes back inside after the connection broke': async () => {
    await namespace().run(async () => {
      let visits = 0
      const server = http.createServer((_, response) => {
        visits += 1
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.end(`retry: 5\ndata: visit ${visits}\n\n`)
      })
      const port = await listen(server)
      const source = new EventSource(`http://127.0.0.1:${port}/`)
      later(() => source.close())
      const seen = []
      await new Promise((resolve) => {
        source.onmessage = ({ data }) => seen.push(data) === 2 && resolve()
      })
      assert.deepEqual(seen, ['visit 1', 'visit 2'])
    })
  }
}
