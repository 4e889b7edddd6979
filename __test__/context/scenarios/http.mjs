/** HTTP and TLS: clients, servers, agents, and the events that Node loses. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { NetNs } from 'node-netns'
import { cert, key } from '../../offline/certificate.mjs'
import { ask, first, later, listen, nameServer, namespace, saying, told } from '../../offline/kit.mjs'

const answering = (text) => () =>
  listen(
    http.createServer((_, response) => response.end(text)),
    80,
    '127.0.0.1'
  )

async function get(url, options = {}) {
  const { get } = String(url).startsWith('https') ? https : http
  const response = await first(get(url, { ca: cert, ...options }), 'response')
  return told(response)
}

function agent(options, Agent = http.Agent) {
  const made = new Agent(options)
  later(() => made.destroy())
  return made
}

export default {
  'the global agent keeps connections apart': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    later(() => http.globalAgent.destroy())
    for (let round = 0; round < 3; round += 1) {
      assert.equal(await red.run(get, 'http://127.0.0.1/'), 'red')
      assert.equal(await blue.run(get, 'http://127.0.0.1/'), 'blue')
      await assert.rejects(get('http://127.0.0.1/'), { code: 'ENETUNREACH' })
    }
  },
  'a keep-alive agent that both use, made outside, never crosses': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    const shared = agent({ keepAlive: true, maxSockets: 1 })
    const many = Array.from({ length: 20 }, (_, n) =>
      (n % 2 === 0 ? red : blue).run(get, 'http://127.0.0.1/', { agent: shared })
    )
    assert.deepEqual(
      await Promise.all(many),
      many.map((_, n) => (n % 2 === 0 ? 'red' : 'blue'))
    )
  },
  'maxTotalSockets: a request that waited for another namespace dials from its own': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    for (const keepAlive of [true, false]) {
      const shared = agent({ keepAlive, maxTotalSockets: 1, maxSockets: 1 })
      const many = [red, blue, red, blue, blue, red].map((place) =>
        place.run(get, 'http://127.0.0.1/', { agent: shared })
      )
      const texts = await Promise.all(many)
      assert.deepEqual(texts, ['red', 'blue', 'red', 'blue', 'blue', 'red'], `keepAlive: ${keepAlive}`)
    }
  },
  'maxTotalSockets: an agent that dials by itself does so where a request that waited was made': async () => {
    class Dialler extends http.Agent {
      createSocket(request, options, done) {
        this.dialled = net.connect(options)
        super.createSocket(request, options, done)
      }
      createConnection() {
        return this.dialled
      }
    }
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    const shared = agent({ maxTotalSockets: 1 }, Dialler)
    const places = [red, blue, red, blue, blue, red]
    const many = places.map((place) => place.run(get, 'http://127.0.0.1/', { agent: shared }))
    const outside = assert.rejects(get('http://127.0.0.1/', { agent: shared }), { code: 'ENETUNREACH' })
    assert.deepEqual(await Promise.all(many), ['red', 'blue', 'red', 'blue', 'blue', 'red'])
    await outside
    assert.ok(!Object.hasOwn(shared, 'createSocket'))
  },
  'maxTotalSockets: a request of outside that waited for a namespace dials outside': async () => {
    const red = namespace()
    await red.run(answering('red'))
    const shared = agent({ maxTotalSockets: 1 })
    const inside = red.run(get, 'http://127.0.0.1/', { agent: shared })
    const outside = assert.rejects(get('http://127.0.0.1/', { agent: shared }), { code: 'ENETUNREACH' })
    assert.equal(await inside, 'red')
    await outside
  },
  "an agent's names are Node's where it was used first": async () => {
    const [red, blue] = [namespace(), namespace()]
    const kept = agent({ keepAlive: true })
    const options = { host: '127.0.0.1', port: 80 }
    for (const place of [red, blue]) {
      await place.run(answering('x'))
      await place.run(get, 'http://127.0.0.1/', { agent: kept })
      await place.run(async () => {
        while (kept.freeSockets[kept.getName(options)] === undefined) await new Promise(setImmediate)
      })
    }
    assert.deepEqual(Object.keys(kept.freeSockets), ['127.0.0.1:80:', `127.0.0.1:80::${blue.id}`])
    assert.equal(
      red.run(() => kept.getName(options)),
      '127.0.0.1:80:'
    )
    assert.equal(
      red.run(() => http.globalAgent.getName(options)),
      `127.0.0.1:80::${red.id}`
    )
    assert.equal(http.globalAgent.getName(options), '127.0.0.1:80:')
    assert.equal(
      blue.run(() => new https.Agent().getName(options)),
      new https.Agent().getName(options)
    )
  },
  'an agent whose names are its own keeps connections apart': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    class Named extends http.Agent {
      getName({ host, port }) {
        return `${host} ${port}`
      }
    }
    class Extended extends http.Agent {
      getName(options) {
        return `own ${super.getName(options)}`
      }
    }
    const renamed = agent({ keepAlive: true })
    await red.run(get, 'http://127.0.0.1/', { agent: renamed })
    renamed.getName = () => 'one for all'
    for (const kept of [agent({ keepAlive: true }, Named), agent({ keepAlive: true }, Extended), renamed]) {
      for (const [place, text] of [
        [red, 'red'],
        [blue, 'blue'],
        [red, 'red']
      ]) {
        const sockets = []
        for (let round = 0; round < 2; round += 1) {
          const request = place.run(() => http.get('http://127.0.0.1/', { agent: kept }))
          assert.equal(await told(await first(request, 'response')), text)
          while (kept.freeSockets[place.run(() => kept.getName({ host: '127.0.0.1', port: 80 }))] === undefined) {
            await new Promise(setImmediate)
          }
          sockets.push(request.socket)
        }
        assert.equal(sockets[1], sockets[0])
      }
      assert.deepEqual(Object.keys(kept.sockets), [])
    }
  },
  'where a socket of an agent is, its options do not show, and a copy of them does not say': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    let given
    class Watched extends http.Agent {
      createConnection(options, done) {
        given = options
        return super.createConnection(options, done)
      }
    }
    const kept = agent({}, Watched)
    await red.run(get, 'http://127.0.0.1/', { agent: kept })
    assert.deepEqual(Object.getOwnPropertySymbols(given), [])
    assert.equal(
      blue.run(() => kept.getName(given)),
      '127.0.0.1:80:'
    )
    assert.equal(
      blue.run(() => kept.getName({ ...given })),
      `127.0.0.1:80::${blue.id}`
    )
  },
  'an agent forgets a socket of a namespace that is destroyed outside': async () => {
    const red = namespace()
    await red.run(answering('x'))
    const kept = agent({ keepAlive: true })
    const socket = new Promise((resolve) => {
      red.run(() =>
        http
          .get('http://127.0.0.1/', { agent: kept })
          .once('socket', resolve)
          .on('error', () => {})
      )
    })
    const closed = once((await socket).destroy(), 'close')
    await closed
    assert.deepEqual([kept.sockets, kept.freeSockets].map(Object.keys), [[], []])
    assert.equal(kept.totalSocketCount, 0)
  },
  'a response reads inside, and so does the request of a server': async () => {
    const red = namespace()
    await red.run(async () => {
      const { port: behind } = await saying('behind')
      const server = http.createServer((request, response) => {
        request.on('data', () => {}).on('end', async () => response.end(await ask(behind, '127.0.0.1')))
      })
      const port = await listen(server)
      const request = http.request({ port, host: '127.0.0.1', method: 'POST' })
      request.end('body')
      const response = await first(request, 'response')
      const seen = []
      response.on('data', () => seen.push(NetNs.current().id))
      await once(response, 'end')
      assert.deepEqual(seen, [red.id])
    })
  },
  'parsers that both namespaces take in turns do not mix their contexts': async () => {
    const places = [namespace(), namespace()]
    const wrong = []
    await Promise.all(
      places.map((place) =>
        place.run(async () => {
          const server = http.createServer((request, response) => {
            request.on('data', () => NetNs.current().equals(place) || wrong.push('data'))
            request.on('end', () => NetNs.current().equals(place) || wrong.push('end'))
            request.on('close', () => NetNs.current().equals(place) || wrong.push('close'))
            response.on('finish', () => NetNs.current().equals(place) || wrong.push('finish'))
            response.end('x')
          })
          const port = await listen(server)
          for (let round = 0; round < 30; round += 1) {
            const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent: false })
            request.on('response', () => NetNs.current().equals(place) || wrong.push('response'))
            request.on('close', () => NetNs.current().equals(place) || wrong.push('request close'))
            const closed = once(request, 'close')
            request.end('x')
            await told(await first(request, 'response'))
            await closed
          }
        })
      )
    )
    assert.deepEqual(wrong, [])
  },
  "a server's 'connect' dials out, and its socket's 'data'": async () => {
    await namespace().run(async () => {
      const { port: behind } = await saying('tunnelled')
      const server = http.createServer()
      server.on('connect', (_request, socket) => {
        const upstream = net.connect(behind, '127.0.0.1')
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.once('data', () => upstream.pipe(socket))
      })
      const port = await listen(server)
      const request = http.request({ port, host: '127.0.0.1', method: 'CONNECT', path: 'x:1' }).end()
      const [, socket] = await once(request, 'connect')
      socket.write('go')
      assert.equal(await told(socket), 'tunnelled')
    })
  },
  "a server's 'upgrade' dials out, and its socket's 'data'": async () => {
    const red = namespace()
    await red.run(async () => {
      const { port: behind } = await saying('upgraded')
      const server = http.createServer()
      const places = []
      server.on('upgrade', (_request, socket) => {
        places.push(NetNs.current().id)
        socket.write('HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
        socket.once('data', async () => {
          places.push(NetNs.current().id)
          socket.end(await ask(behind, '127.0.0.1'))
        })
      })
      const port = await listen(server)
      const headers = { connection: 'upgrade', upgrade: 'x' }
      const request = http.request({ port, host: '127.0.0.1', headers }).end()
      const [, socket] = await once(request, 'upgrade')
      socket.write('go')
      assert.equal(await told(socket), 'upgraded')
      assert.deepEqual(places, [red.id, red.id])
    })
  },
  "a server's 'clientError', 'checkContinue', 'dropRequest' and 'timeout' are inside": async () => {
    const red = namespace()
    const seen = await red.run(async () => {
      const seen = {}
      const see = (event) => {
        seen[event] = NetNs.current().id
      }
      const server = http.createServer((_, response) => response.end('x'))
      server.maxRequestsPerSocket = 1
      server.on('clientError', (_error, socket) => {
        see('clientError')
        socket.destroy()
      })
      server.on('checkContinue', (_request, response) => {
        see('checkContinue')
        response.end()
      })
      server.on('dropRequest', () => see('dropRequest'))
      const port = await listen(server)
      await told(await wrote(port, 'rubbish\r\n\r\n')).catch(() => {})
      await told(await wrote(port, 'GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n'))
      const twice = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
      const socket = await wrote(port, twice + twice)
      while (seen.dropRequest === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
      socket.destroy()
      server.setTimeout(10, (timedOut) => {
        see('timeout')
        timedOut.destroy()
      })
      await told(await wrote(port, ''))
      return seen
    })
    assert.deepEqual(new Set(Object.values(seen)), new Set([red.id]))
    assert.deepEqual(Object.keys(seen).sort(), ['checkContinue', 'clientError', 'dropRequest', 'timeout'])
  },
  'https: by name, with a keep-alive agent, and with a session used again': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.1' })
      const server = https.createServer({ key, cert }, (request, response) =>
        response.end(String(request.socket.isSessionReused()))
      )
      const port = await listen(server, 0)
      const kept = agent({ keepAlive: true }, https.Agent)
      const url = `https://server.test:${port}/`
      assert.equal(await get(url, { agent: kept }), 'false')
      assert.equal(await get(url, { agent: kept }), 'false')
      kept.destroy()
      assert.equal(await get(url, { agent: kept }), 'true')
    })
  },
  'https.globalAgent keeps connections and sessions apart': async () => {
    const places = [namespace(), namespace()]
    later(() => https.globalAgent.destroy())
    for (const place of places) {
      const server = https.createServer({ key, cert }, (_, response) => response.end(place.id))
      await place.run(() => listen(server, 443, '127.0.0.1'))
    }
    for (const place of [...places, ...places]) assert.equal(await place.run(get, 'https://127.0.0.1/'), place.id)
    await assert.rejects(get('https://127.0.0.1/'), { code: 'ENETUNREACH' })
  },
  "tls: both ends' 'data' and 'secureConnection' are inside": async () => {
    const red = namespace()
    await red.run(async () => {
      const seen = []
      const server = tls.createServer({ key, cert }, (socket) => {
        seen.push(NetNs.current().id)
        socket.once('data', () => {
          seen.push(NetNs.current().id)
          setImmediate(() => seen.push(NetNs.current().id))
          socket.end('bye')
        })
      })
      const port = await listen(server)
      const client = tls.connect({ port, host: 'localhost', ca: cert, lookup: toLoopback })
      client.write('hello')
      assert.equal(await told(client), 'bye')
      assert.deepEqual(seen, [red.id, red.id, red.id])
    })
  },
  "'tlsClientError' and callbacks of the handshake are inside": async () => {
    const red = namespace()
    await red.run(async () => {
      const { port: behind } = await saying('behind')
      const seen = []
      const server = tls.createServer({
        key,
        cert,
        SNICallback: (_name, done) => {
          ask(behind, '127.0.0.1').then(
            (text) => {
              seen.push(text)
              done(null)
            },
            (error) => done(error)
          )
        }
      })
      const port = await listen(server)
      const failed = new Promise((resolve) => server.on('tlsClientError', () => resolve(ask(behind, '127.0.0.1'))))
      const raw = net.connect(port, '127.0.0.1')
      raw.on('error', () => {})
      raw.end('this is no handshake\n')
      assert.equal(await failed, 'behind')
      server.on('secureConnection', (socket) => socket.end('named'))
      const options = { port, host: 'localhost', servername: 'localhost', ca: cert, lookup: toLoopback }
      assert.equal(await told(tls.connect(options)), 'named')
      assert.deepEqual(seen, ['behind'])
    })
  }
}

function toLoopback(_host, options, done) {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

async function wrote(port, text) {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return socket
}
