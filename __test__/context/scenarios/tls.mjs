/** TLS and HTTPS: connections, sessions, handshakes. */
import assert from 'node:assert/strict'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { NetNs } from 'node-netns'
import { cert, key } from '../../offline/certificate.mjs'
import { ask, later, listen, nameServer, namespace, saying, told } from '../../offline/kit.mjs'
import { agent, get } from '../../offline/web.mjs'

export default {
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
