/** Sockets of streams: TCP and unix. */
import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import net from 'node:net'
import { pipeline } from 'node:stream/promises'
import { NetNs } from 'node-netns'
import {
  ask,
  brokered,
  later,
  listen,
  nameServer,
  namespace,
  pair,
  reachable,
  saying,
  told
} from '../../offline/kit.mjs'

export default {
  'two namespaces answer on one port at once, each to its own': async () => {
    const [red, blue] = [namespace(), namespace()]
    const say = (text) => async () => saying(text, 80)
    await Promise.all([red.run(say('red')), blue.run(say('blue'))])
    for (const [place, text] of [
      [red, 'red'],
      [blue, 'blue'],
      [red, 'red']
    ]) {
      assert.equal(await place.run(() => ask(80, '127.0.0.1')), text)
    }
    const many = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? red : blue).run(() => ask(80, '127.0.0.1')))
    assert.deepEqual(
      await Promise.all(many),
      many.map((_, n) => (n % 2 === 0 ? 'red' : 'blue'))
    )
  },
  'home cannot reach what listens inside': async () => {
    const { port } = await namespace().run(() => saying('inside'))
    await assert.rejects(ask(port, '127.0.0.1'), { code: 'ENETUNREACH' })
  },
  'a server without a host, and IPv6': async () => {
    const red = namespace()
    await red.run(async () => {
      const server = net.createServer((socket) => socket.end(socket.remoteAddress))
      const port = await listen(server, 0)
      assert.equal(await ask(port, '::1'), '::1')
      assert.equal(await ask(port, '127.0.0.1'), '::ffff:127.0.0.1')
    })
  },
  'a local address and port': async () => {
    await namespace().run(async () => {
      const server = net.createServer((socket) => socket.end(String(socket.remotePort)))
      const port = await listen(server)
      assert.equal(await ask({ port, host: '127.0.0.1', localAddress: '127.0.0.2', localPort: 4321 }), '4321')
    })
  },
  'a name, by the name server inside': async () => {
    await namespace().run(async () => {
      const asked = await nameServer({ 'server.test': '127.0.0.5' })
      const { port } = await saying('named', 0, '127.0.0.5')
      assert.equal(await ask(port, 'server.test'), 'named')
      assert.ok(asked.includes('server.test'))
    })
  },
  'happy eyeballs: the second attempt stays inside': async () => {
    await namespace().run(async () => {
      const { port } = await saying('second')
      const lookup = (_host, _options, done) =>
        done(null, [
          { address: '::1', family: 6 },
          { address: '127.0.0.1', family: 4 }
        ])
      const socket = net.connect({ port, host: 'both.test', lookup, autoSelectFamily: true })
      const failed = once(socket, 'connectionAttemptFailed')
      assert.equal(await told(socket), 'second')
      if (process.versions.node >= '21') assert.equal((await failed)[0], '::1')
    })
  },
  "a reconnect in a 'close' handler, and a second connect of one socket": async () => {
    await namespace().run(async () => {
      const { port } = await saying('again')
      const texts = []
      await new Promise((resolve, reject) => {
        const dial = () => {
          const socket = net.connect(port, '127.0.0.1')
          let text = ''
          socket.on('data', (chunk) => {
            text += chunk
          })
          socket.on('error', reject)
          socket.on('close', () => {
            texts.push(text)
            if (texts.length === 3) resolve()
            else dial()
          })
        }
        dial()
      })
      assert.deepEqual(texts, ['again', 'again', 'again'])
      const socket = new net.Socket()
      for (let round = 0; round < 2; round += 1) {
        socket.connect(port, '127.0.0.1').resume()
        await once(socket, 'close')
        assert.ok(socket.bytesRead > 0)
      }
    })
  },
  'a refused connection is refused inside': async () => {
    await namespace().run(() => assert.rejects(ask(1, '127.0.0.1'), { code: 'ECONNREFUSED', syscall: 'connect' }))
  },
  'abstract names that are too long are cut, or refused, as by Node at home': async () => {
    const outcome = async () => {
      const path = `\0${'y'.repeat(107)}`
      const server = net.createServer((socket) => socket.end('cut'))
      server.listen(`${path}more`)
      const [error] = await Promise.race([once(server, 'error'), once(server, 'listening').then(() => [])]).catch(
        (e) => [e]
      )
      if (error !== undefined) return error.code
      const heard = await ask(path)
      await new Promise((resolve) => server.close(resolve))
      return heard
    }
    const expected = await outcome()
    assert.match(expected, /^(cut|EINVAL)$/)
    await namespace().run(async () => {
      assert.equal(await outcome(), expected)
      const client = net.connect(`\0${'q'.repeat(150)}`)
      assert.equal((await once(client, 'error'))[0].code, expected === 'cut' ? 'ECONNREFUSED' : 'EINVAL')
      const path = `\0${'y'.repeat(150)}`
      if (net.BoundSocket) assert.throws(() => new net.BoundSocket({ path }), { code: 'EINVAL', syscall: 'bind' })
    })
  },
  'a link-local local address and a link-local peer on the same interface': async () => {
    const { red, blue } = await pair()
    const port = await red.run(() =>
      listen(
        net.createServer((socket) => socket.end('reached')),
        0,
        'fe80::1%link0'
      )
    )
    await blue.run(async () => {
      await reachable(port, 'fe80::1%link0')
      assert.equal(await ask({ port, host: 'fe80::1%link0', localAddress: 'fe80::2%link0' }), 'reached')
      await assert.rejects(ask({ port, host: 'fe80::1%lo', localAddress: 'fe80::2%link0' }), { code: 'EINVAL' })
    })
  },
  'abstract unix sockets belong to the namespace': async () => {
    const [red, blue] = [namespace(), namespace()]
    const path = '\0node-netns-scenario'
    const serve = (text) => () =>
      listen(
        net.createServer((socket) => socket.end(text)),
        path
      )
    await red.run(serve('red'))
    await blue.run(serve('blue'))
    assert.equal(await red.run(() => ask(path)), 'red')
    assert.equal(await blue.run(() => ask(path)), 'blue')
    await assert.rejects(ask(path), { code: 'ECONNREFUSED' })
  },
  'scoped addresses name interfaces of the namespace': async () => {
    const { red, blue } = await pair()
    const port = await red.run(async () => {
      const server = net.createServer((socket) => socket.end(`${socket.localAddress} ${socket.remoteAddress}`))
      return listen(server, 0, '::')
    })
    const heard = await blue.run(() => ask(port, 'fe80::1%link0'))
    assert.equal(heard, 'fe80::1%link0 fe80::2%link0')
    assert.equal(await blue.run(() => ask(port, '192.0.2.1')), '::ffff:192.0.2.1 ::ffff:192.0.2.2')
  },
  "an accepted socket's 'data', 'end' and 'close' are inside": async () => {
    const red = namespace()
    const places = {}
    await red.run(async () => {
      const server = net.createServer((socket) => {
        for (const event of ['data', 'end', 'close'])
          socket.on(event, () => {
            places[event] = NetNs.current().id
            setTimeout(() => {
              places[`${event} later`] = NetNs.current().id
            }, 1)
          })
      })
      const port = await listen(server)
      const client = net.connect(port, '127.0.0.1')
      client.end('hello').resume()
      await once(client, 'close')
      await new Promise((resolve) => setTimeout(resolve, 20))
    })
    const all = ['data', 'end', 'close'].flatMap((event) => [event, `${event} later`])
    assert.deepEqual(places, Object.fromEntries(all.sort().map((event) => [event, red.id])))
  },
  'what is accepted begins again for async_hooks only where Node keeps contexts out of reach': async () => {
    const begun = []
    const hook = createHook({
      init(_id, type, _trigger, resource) {
        if (type === 'TCPWRAP') begun.push(resource)
      }
    })
    await namespace().run(async () => {
      const { port } = await saying('hello')
      hook.enable()
      assert.equal(await ask(port, '127.0.0.1'), 'hello')
      hook.disable()
    })
    const [client, ...accepted] = begun
    assert.ok(!accepted.includes(client))
    assert.equal(new Set(accepted).size, 1)
    assert.equal(accepted.length, Number.parseInt(process.versions.node, 10) < 24 ? 1 : 2)
  },
  "an accepted unix socket's events are inside": async () => {
    const red = namespace()
    const place = await red.run(
      () =>
        new Promise((resolve) => {
          const server = net.createServer((socket) => socket.on('data', () => resolve(NetNs.current().id)))
          listen(server, '\0node-netns-events').then((path) => net.connect(path).end('x'))
        })
    )
    assert.equal(place, red.id)
  },
  "a proxy dials out from an accepted socket's 'data'": async () => {
    await namespace().run(async () => {
      const { port: behind } = await saying('behind')
      const proxy = net.createServer((socket) => {
        socket.once('data', () => net.connect(behind, '127.0.0.1').pipe(socket))
      })
      const port = await listen(proxy)
      const client = net.connect(port, '127.0.0.1')
      client.write('go')
      assert.equal(await told(client), 'behind')
    })
  },
  "a proxy dials out from an accepted socket's 'readable', 'end' and 'close', and in what it is piped to": async () => {
    await namespace().run(async () => {
      const { port: behind } = await saying('behind')
      const heard = []
      let settle
      const done = new Promise((resolve) => {
        settle = resolve
      })
      const dial = (what) =>
        ask(behind, '127.0.0.1')
          .then(
            (text) => heard.push(`${what} ${text}`),
            (error) => heard.push(`${what} ${error.code}`)
          )
          .then(() => heard.length === 4 && settle())
      const server = net.createServer({ allowHalfOpen: true }, async (socket) => {
        socket.once('readable', () => dial('readable'))
        socket.once('end', () => dial('end'))
        socket.once('close', () => dial('close'))
        await pipeline(socket, async (source) => {
          for await (const chunk of source) await dial(`pipe ${chunk}`)
        })
        socket.end()
      })
      const port = await listen(server)
      const client = net.connect(port, '127.0.0.1')
      client.end('x').resume()
      await done
      assert.deepEqual(heard.sort(), ['close behind', 'end behind', 'pipe x behind', 'readable behind'])
    })
  },
  "an accepted socket's 'timeout' and a write's callback are inside": async () => {
    const red = namespace()
    const places = await red.run(
      () =>
        new Promise((resolve) => {
          const server = net.createServer((socket) => {
            const seen = []
            const see = () => seen.push(NetNs.current().id) === 3 && resolve(seen)
            socket.once('data', () => {
              socket.setTimeout(5, see)
              socket.write('x', see)
            })
            socket.once('drain', see)
            socket.write(Buffer.alloc(4_000_000))
          })
          listen(server).then((port) => {
            const client = net.connect(port, '127.0.0.1', () => client.write('x'))
            later(() => client.destroy())
            client.resume()
          })
        })
    )
    assert.deepEqual(places, [red.id, red.id, red.id])
  },
  'pauseOnConnect: resumed outside, the events are where the server is': async () => {
    const red = namespace()
    const accepted = new Promise((resolve) => {
      red.run(async () => {
        const server = net.createServer({ pauseOnConnect: true }, resolve)
        net.connect(await listen(server), '127.0.0.1').end('x')
      })
    })
    const socket = await accepted
    const place = await new Promise((resolve) => {
      socket.on('data', () => resolve(NetNs.current().id))
      socket.resume()
    })
    assert.equal(place, red.id)
  },
  'a server goes on after its namespace was closed, whoever comes from a link': async () => {
    const { red, blue } = await pair()
    const server = net.createServer((socket) => socket.end(`${socket.remoteAddress}`))
    const port = await red.run(() => listen(server, 0, '::'))
    const coming = blue.bind(() => ask(port, 'fe80::1%link0'))
    await blue.run(() => reachable(port, 'fe80::1%link0'))
    assert.equal(await coming(), 'fe80::2%link0')
    red.close()
    assert.match(await coming(), brokered ? /^fe80::2%/ : /^(undefined|fe80::2)$/)
    const taking = once(server, 'connection')
    const half = blue.run(() => net.connect({ port, host: 'fe80::1%link0', allowHalfOpen: true }))
    later(() => half.destroy())
    await taking
    server.maxConnections = 1
    const dropped = once(server, 'drop')
    assert.equal(await coming(), '')
    await dropped
  },
  'a server that outlives its context answers where it was opened': async () => {
    const red = namespace()
    const { server } = await red.run(() => saying('still'))
    const { port } = server.address()
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(await red.run(() => ask(port, '127.0.0.1')), 'still')
    server.close()
    await once(server, 'close')
    // Opened again outside, the same object is a server of home.
    server.listen(port, '127.0.0.1')
    const place = new Promise((resolve) => server.once('listening', () => resolve(NetNs.current())))
    assert.equal((await place).isHome, true)
    await assert.rejects(
      red.run(() => ask(port, '127.0.0.1')),
      { code: 'ECONNREFUSED' }
    )
  }
}
