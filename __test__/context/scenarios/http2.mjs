/** HTTP/2, whose server makes its streams while it parses, in no context. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http2 from 'node:http2'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { cert, key } from '../../offline/certificate.mjs'
import { ask, later, listen, namespace, saying, told } from '../../offline/kit.mjs'

async function exchange(port, body = 'body', scheme = 'http') {
  const session = http2.connect(`${scheme}://localhost:${port}`, {
    ca: cert,
    lookup: (_host, options, done) =>
      options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
  })
  later(() => session.destroy())
  const stream = session.request({ ':method': 'POST', ':path': '/' })
  stream.end(body)
  const text = await told(stream)
  session.close()
  return text
}

/** Each server, dialling out from every event of its streams. */
async function dialling(serve) {
  await namespace().run(async () => {
    const { port: behind } = await saying('behind')
    const heard = []
    const dial = (event) => () =>
      ask(behind, '127.0.0.1').then(
        (text) => heard.push(`${event} ${text}`),
        (error) => heard.push(`${event} ${error.code}`)
      )
    const port = await listen(serve(dial))
    assert.equal(await exchange(port), 'done')
    while (heard.length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(heard.sort(), ['close behind', 'data behind', 'end behind', 'start behind'])
  })
}

export default {
  "a server's streams: 'stream', 'data', 'end', 'close'": () =>
    dialling((dial) =>
      http2.createServer().on('stream', (stream) => {
        dial('start')()
        stream.once('data', dial('data')).once('end', dial('end')).once('close', dial('close'))
        stream.respond({ ':status': 200 })
        stream.once('end', () => stream.end('done'))
      })
    ),
  'the compatible requests and responses': () =>
    dialling((dial) =>
      http2.createServer((request, response) => {
        dial('start')()
        request.once('data', dial('data')).once('end', dial('end'))
        response.once('close', dial('close'))
        request.once('end', () => response.end('done'))
      })
    ),
  'a stream that is read by iteration, and many at once': async () => {
    await namespace().run(async () => {
      const { port: behind } = await saying('behind')
      const server = http2.createServer(async (request, response) => {
        const body = await told(request)
        response.end(`${body} ${await ask(behind, '127.0.0.1')}`)
      })
      const port = await listen(server)
      const bodies = Array.from({ length: 20 }, (_, n) => `body ${n}`)
      const texts = await Promise.all(bodies.map((body) => exchange(port, body)))
      assert.deepEqual(
        texts,
        bodies.map((body) => `${body} behind`)
      )
    })
  },
  'with TLS': async () => {
    const red = namespace()
    await red.run(async () => {
      const places = []
      const server = http2.createSecureServer({ key, cert }, (request, response) => {
        request.once('data', () => places.push(NetNs.current().id))
        request.once('end', () => {
          places.push(NetNs.current().id)
          response.end('secure')
        })
      })
      const port = await listen(server)
      assert.equal(await exchange(port, 'x', 'https'), 'secure')
      assert.deepEqual(places, [red.id, red.id])
    })
  },
  "a session's events, and a ping's callback": async () => {
    const red = namespace()
    await red.run(async () => {
      const places = {}
      const see = (event) => () => {
        places[event] = NetNs.current().id
      }
      const server = http2.createServer((_, response) => response.end('x'))
      server.on('session', (session) => {
        see('session')()
        session
          .on('close', see('close'))
          .on('remoteSettings', see('remoteSettings'))
          .on('localSettings', see('localSettings'))
        session.ping(see('ping'))
      })
      const port = await listen(server)
      await exchange(port)
      while (places.close === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
      const events = ['session', 'remoteSettings', 'localSettings', 'ping', 'close']
      assert.deepEqual(places, Object.fromEntries(events.map((event) => [event, places[event] && red.id])))
    })
  },
  "a client's pushed streams and events": async () => {
    const red = namespace()
    await red.run(async () => {
      const server = http2.createServer()
      server.on('stream', (stream) => {
        stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => pushed.end('pushed'))
        stream.respond({ ':status': 200 })
        stream.end('main')
      })
      const port = await listen(server)
      const session = http2.connect(`http://127.0.0.1:${port}`)
      later(() => session.destroy())
      const pushed = once(session, 'stream').then(async ([stream]) => {
        const place = await new Promise((resolve) => stream.once('data', () => resolve(NetNs.current().id)))
        return place
      })
      const stream = session.request({ ':path': '/' })
      assert.equal(await told(stream), 'main')
      assert.equal(await pushed, red.id)
    })
  },
  "a client's pushed streams, over a socket that is older than http2": async () => {
    const program = fileURLToPath(new URL('../programs/late-http2.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [program])
    const { red, places } = JSON.parse(stdout)
    assert.deepEqual(places, { data: red, end: red })
  }
}
