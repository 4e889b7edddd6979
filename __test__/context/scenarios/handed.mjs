/** What one part of a program, or one process, hands to another: answers of look-ups, connections, servers, streams. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { inherits } from 'node:util'
import { NetNs } from 'node-netns'
import { cert, key } from '../../offline/certificate.mjs'
import { first, later, listen, namespace } from '../../offline/kit.mjs'

const program = (name) => fileURLToPath(new URL(`../programs/${name}`, import.meta.url))
const where = () => NetNs.current().id

/** Answers all who ask from a queue, in one go, as caches with callbacks do. */
function queueing(count) {
  const queue = []
  return (_name, options, callback) => {
    queue.push([options, callback])
    if (queue.length < count) return
    setTimeout(() => {
      for (const [asked, answer] of queue.splice(0)) {
        if (asked.all) answer(null, [{ address: '127.0.0.1', family: 4 }])
        else answer(null, '127.0.0.1', 4)
      }
    })
  }
}

/** A server of connections on loopback, each of which `feed` gets. */
async function fed(feed) {
  const port = await listen(net.createServer(feed))
  return (sent) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    later(() => socket.destroy())
    socket.write(sent)
  }
}

/** Where the events of a server's streams are heard. */
function heardBy(server) {
  const seen = {}
  const ended = new Promise((resolve) => {
    server.on('stream', (stream) => {
      seen.stream = where()
      stream.once('data', () => Object.assign(seen, { data: where() }))
      stream.once('end', () => Object.assign(seen, { end: where() }))
      stream.once('close', () => {
        seen.close = where()
        resolve(seen)
      })
      stream.respond({ ':status': 200 })
      stream.once('end', () => stream.end('done'))
    })
  })
  return ended
}

async function post(port, scheme) {
  const session = http2.connect(`${scheme}://127.0.0.1:${port}`, { ca: cert, checkServerIdentity: () => undefined })
  later(() => session.destroy())
  const stream = session.request({ ':method': 'POST' })
  stream.end('body')
  await text(stream)
  session.close()
}

/** Runs a program among those of the tests; what it prints. */
async function outputOf(name, options = {}) {
  const child = childProcess.spawn(process.execPath, ['--no-warnings', program(name)], options)
  later(() => child.kill())
  return { child, output: text(child.stdout).then((printed) => JSON.parse(printed)) }
}

const HTTP2 = {
  'by its event': ['http', () => http2.createServer()],
  'by its event, with TLS': ['https', () => http2.createSecureServer({ key, cert })]
}

export default {
  'an answer that another look-up brings: each connection is where it was asked for, and is kept there': async () => {
    const places = [namespace(), namespace()]
    const lookup = queueing(2)
    const agent = new http.Agent({ keepAlive: true })
    later(() => agent.destroy())
    for (const place of places) {
      await place.run(() =>
        listen(
          http.createServer((_, response) => response.end(place.id)),
          7070,
          '127.0.0.1'
        )
      )
    }
    const get = (place, options) =>
      place.run(async () => text(await first(http.get({ host: 'x.test', port: 7070, agent, ...options }), 'response')))
    const asked = await Promise.all(places.map((place) => get(place, { lookup })))
    assert.deepEqual(
      asked,
      places.map(({ id }) => id)
    )
    for (const place of places) assert.equal(await get(place, { lookup: queueing(1) }), place.id)
  },
  'an answer that a look-up of a context brings: what was asked for outside stays there': async () => {
    const red = namespace()
    const port = await red.run(async () => listen(net.createServer((socket) => socket.end('red'))))
    const home = { run: (fn, ...args) => fn(...args) }
    for (const outside of [home, NetNs.home()]) {
      const target = { host: 'x.test', port, lookup: queueing(2) }
      const refused = new Promise((resolve) => outside.run(net.connect, target).once('error', resolve))
      assert.equal(await red.run(async () => text(net.connect(target))), 'red')
      assert.equal((await refused).code, 'ENETUNREACH')
    }
  },
  'an answer that another look-up brings: each UDP socket is where it was bound': async () => {
    // What extends a class from before there were hooks does not know of them.
    namespace().run(() => {})
    class Extended extends dgram.Socket {}
    function Inherited(options) {
      dgram.Socket.call(this, options)
    }
    inherits(Inherited, dgram.Socket)
    const makers = [
      (options) => dgram.createSocket(options),
      (options) => new dgram.Socket(options),
      (options) => new Extended(options),
      (options) => new Inherited(options),
      (options) => new dgram.Socket.prototype.constructor(options),
      (options, place) => new place.dgram.Socket(options)
    ]
    for (const make of makers) {
      const places = [namespace(), namespace()]
      const lookup = queueing(2)
      const bound = await Promise.all(
        places.map((place) =>
          place.run(async () => {
            const socket = make({ type: 'udp4', lookup }, place)
            later(() => socket.close())
            assert.ok(socket instanceof dgram.Socket)
            socket.bind(5353, 'x.test')
            await once(socket, 'listening')
            return where()
          })
        )
      )
      assert.deepEqual(
        bound,
        places.map(({ id }) => id),
        String(make)
      )
    }
  },
  'options with a look-up are read as they are, and stay so': async () => {
    await namespace().run(async () => {
      const server = net.createServer((socket) => socket.end('x'))
      const port = await listen(server)
      class Options {
        #port = port
        host = 'x.test'
        get port() {
          return this.#port
        }
        lookup(...args) {
          return queueing(1)(...args)
        }
      }
      const plain = { host: 'x.test', port, lookup: queueing(1) }
      for (const options of [new Options(), Object.freeze({ ...plain }), plain]) {
        assert.equal(await text(net.connect(options)), 'x')
      }
      const given = net._normalizeArgs([plain])
      for (let count = 0; count < 3; count++) assert.equal(await text(new net.Socket().connect(given)), 'x')
      assert.equal(given[0], plain)

      const asked = { type: 'udp4', lookup: queueing(1) }
      const socket = dgram.createSocket(asked)
      later(() => socket.close())
      delete asked.lookup
      socket.bind(0, 'x.test')
      await once(socket, 'listening')
    })
  },
  'a connection that is given to an HTTP server: `upgrade` and `connect`': async () => {
    const red = namespace()
    await red.run(async () => {
      const server = http.createServer()
      const say = await fed((socket) => server.emit('connection', socket))
      for (const [event, sent] of [
        ['upgrade', 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
        ['connect', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n']
      ]) {
        const heard = new Promise((resolve) =>
          server.once(event, (_request, socket) => {
            socket.destroy()
            resolve(where())
          })
        )
        say(sent)
        assert.equal(await heard, red.id, event)
      }
    })
  },
  ...Object.fromEntries(
    Object.entries(HTTP2).map(([how, [scheme, make]]) => [
      `a connection that is given to an HTTP/2 server ${how}: its streams`,
      async () => {
        const red = namespace()
        await red.run(async () => {
          const server = make()
          const heard = heardBy(server)
          const port = await listen(net.createServer((socket) => server.emit('connection', socket)))
          await post(port, scheme)
          assert.deepEqual(await heard, { stream: red.id, data: red.id, end: red.id, close: red.id })
        })
      }
    ])
  ),
  'a connection that is given to HTTP/2 without a server: its streams': async () => {
    // Newer than the first of Node 20.
    assert.equal(typeof http2.performServerHandshake, 'function')
    const red = namespace()
    await red.run(async () => {
      let heard
      const port = await listen(
        net.createServer((socket) => {
          heard = heardBy(http2.performServerHandshake(socket))
        })
      )
      await post(port, 'http')
      assert.deepEqual(await heard, { stream: red.id, data: red.id, end: red.id, close: red.id })
    })
  },
  'a listening socket that a program is started with: all events are where it is listened on': async () => {
    await namespace().run(async () => {
      const server = net.createServer()
      const port = await listen(server)
      const { output } = await outputOf('activated.mjs', { stdio: ['ignore', 'pipe', 'inherit', server._handle.fd] })
      const say = (sent) => {
        const socket = net.connect(port, '127.0.0.1').on('error', () => {})
        later(() => socket.destroy())
        socket.write(sent)
      }
      // Both processes have it, and this one is not to take what is for the other.
      server._handle.close()
      say('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
      say('CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n')
      assert.deepEqual(await output, { upgrade: true, connect: true })
    })
  },
  'a server that listened in a namespace and listens again elsewhere: it is there, in vain too': async () => {
    const [red, blue] = [namespace(), namespace()]
    const server = net.createServer()
    await red.run(() => listen(server, 0, '127.0.0.1'))
    server.close()
    await once(server, 'close')
    const failed = (act) =>
      new Promise((resolve) => {
        server.once('error', () => resolve(NetNs.current().id))
        act()
      })
    await blue.run(() => listen(net.createServer(), 7071, '127.0.0.1'))
    assert.equal(await failed(() => blue.run(() => server.listen(7071, '127.0.0.1'))), blue.id)
    const taken = net.createServer()
    await listen(taken, 7071, '127.0.0.1')
    assert.equal(await failed(() => server.listen(7071, '127.0.0.1')), NetNs.home().id)
  },
  'sockets and servers that a forked child is sent: their events are where it hears of them': async () => {
    await namespace().run(async () => {
      const child = childProcess.fork(program('receiving.mjs'))
      later(() => child.kill())
      await once(child, 'message')
      const answer = () => first(child, 'message')

      const relay = net.createServer((socket) => child.send('socket', socket))
      const client = net.connect(await listen(relay), '127.0.0.1').resume()
      assert.equal(await answer(), 'listening')
      client.end('x')
      assert.deepEqual(await answer(), { data: true, end: true, close: true })

      const server = net.createServer()
      const port = await listen(server)
      child.send('server', server, () => server.close())
      assert.equal(await answer(), 'listening')
      net.connect(port, '127.0.0.1').resume().end('x')
      assert.deepEqual(await answer(), { connection: true, data: true, close: true })

      const socket = dgram.createSocket('udp4')
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      const to = socket.address().port
      await new Promise((resolve) => child.send('datagrams', socket, resolve))
      socket.close()
      assert.equal(await answer(), 'listening')
      const sender = dgram.createSocket('udp4')
      sender.send('x', to, '127.0.0.1', () => sender.close())
      assert.deepEqual(await answer(), { message: true })
    })
  },
  'messages of a cluster: whoever listens to the worker itself is called where he began to': async () => {
    const { output } = await outputOf('cluster-messages.mjs')
    assert.deepEqual(await output, { worker: true, process: true })
  },
  'the standard streams, wherever they are first looked at: whoever listens is called where he began to': async () => {
    const { child, output } = await outputOf('standard-input.mjs', { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.end('line\n')
    assert.deepEqual(await output, { outside: 'home', inside: 'red', readline: 'red', end: 'home' })
  }
}
