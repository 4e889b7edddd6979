/** Agents of HTTP: connections that are kept or waited for never cross. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { NetNs } from 'node-netns'
import { first, later, namespace, told } from '../../offline/kit.mjs'
import { agent, answering, get, nameIn } from '../../offline/web.mjs'

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
  'a namespace that is given the number of one that is gone has none of its names': async () => {
    const [red, blue] = [namespace(), namespace()]
    const shared = agent({})
    await assert.rejects(red.run(get, 'http://127.0.0.1/', { agent: shared }), { code: 'ECONNREFUSED' })
    const nameOf = () => shared.getName({ host: '127.0.0.1', port: 80 })
    const name = red.run(nameOf)
    // As the kernel does, in its own time.
    Object.defineProperty(blue, 'id', { value: red.id })
    assert.notEqual(blue.run(nameOf), name)
    assert.equal(red.run(nameOf), name)
    assert.equal(NetNs.fromFd(red.fd).run(nameOf), name)
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
    assert.deepEqual(Object.keys(kept.freeSockets), ['127.0.0.1:80:', nameIn(blue)])
    assert.equal(
      red.run(() => kept.getName(options)),
      '127.0.0.1:80:'
    )
    assert.equal(
      red.run(() => http.globalAgent.getName(options)),
      nameIn(red)
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
      nameIn(blue)
    )
  },
  'a request that is made elsewhere while a socket is made gets none of that network': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    const shared = agent({ keepAlive: true })
    const request = red.run(() => http.get('http://127.0.0.1/', { agent: shared }))
    assert.equal(await told(await first(request, 'response')), 'red')
    while (Object.keys(shared.freeSockets).length === 0) await new Promise(setImmediate)
    let inner
    class Nesting extends http.Agent {
      createConnection(options, done) {
        inner = blue.run(get, 'http://127.0.0.1/', { agent: shared })
        return super.createConnection(options, done)
      }
    }
    assert.equal(await red.run(get, 'http://127.0.0.1/', { agent: agent({}, Nesting) }), 'red')
    assert.equal(await inner, 'blue')
  },
  'a socket stays where it is if it is asked for while another one is made elsewhere': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    const given = []
    class Watched extends http.Agent {
      createConnection(options, done) {
        given.push(options)
        assert.deepEqual(given.map(this.getName, this), ['127.0.0.1:80:', nameIn(blue)].slice(0, given.length))
        return super.createConnection(options, done)
      }
    }
    const kept = agent({}, Watched)
    assert.equal(await red.run(get, 'http://127.0.0.1/', { agent: kept }), 'red')
    assert.equal(await blue.run(get, 'http://127.0.0.1/', { agent: kept }), 'blue')
    assert.equal(kept.getName(given[0]), '127.0.0.1:80:')
  },
  'what is asked for with options that a socket was made with is where it is asked for': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    const shared = agent()
    assert.equal(await red.run(get, 'http://127.0.0.1/', { agent: shared }), 'red')
    let given
    class Passing extends http.Agent {
      createConnection(options, done) {
        given = { __proto__: null, ...options, agent: shared }
        return super.createConnection(options, done)
      }
    }
    assert.equal(await red.run(get, 'http://127.0.0.1/', { agent: agent({}, Passing) }), 'red')
    const request = blue.run(() => http.get(given))
    const names = Object.keys(shared.sockets)
    assert.equal(await told(await first(request, 'response')), 'blue')
    assert.deepEqual(names, [nameIn(blue)])
  },
  'agents that name, add or stand for in ways of their own keep connections apart': async () => {
    const [red, blue] = [namespace(), namespace()]
    await red.run(answering('red'))
    await blue.run(answering('blue'))
    const other = agent()
    class Detached extends http.Agent {
      getName(options) {
        const { getName } = http.Agent.prototype
        return `a${getName(options)}`
      }
    }
    class Delegating extends http.Agent {
      getName(options) {
        return other.getName(options)
      }
    }
    class Copying extends http.Agent {
      getName(options) {
        return super.getName({ ...options })
      }
    }
    class Asking extends http.Agent {
      getName(options) {
        other.getName(options)
        return 'own'
      }
    }
    class Adding extends http.Agent {
      addRequest(request, given) {
        const options = { ...given, ...this.options }
        const name = this.getName(options)
        const socket = this.freeSockets[name]?.pop()
        if (socket === undefined) {
          this.createSocket(request, options, (error, made) => request.onSocket(made, error))
          return
        }
        this.reuseSocket(socket, request)
        request.onSocket(socket)
        this.sockets[name] ??= []
        this.sockets[name].push(socket)
      }
    }
    class AddingNamed extends Adding {
      getName() {
        return 'own'
      }
    }
    const classes = [Detached, Delegating, Copying, Asking, Adding, AddingNamed]
    const agents = [
      ...classes.map((Class) => agent({ keepAlive: true }, Class)),
      new Proxy(agent({ keepAlive: true }), {})
    ]
    for (const kept of agents) {
      const texts = []
      for (const [place, elsewhere] of [
        [red, blue],
        [blue, red],
        [red, blue]
      ]) {
        const request = place.run(() => http.get('http://127.0.0.1/', { agent: kept }))
        const response = await first(request, 'response')
        texts.push(await elsewhere.run(told, response))
        while (!Object.values(kept.freeSockets).flat().includes(request.socket)) await new Promise(setImmediate)
      }
      assert.deepEqual(texts, ['red', 'blue', 'red'], kept.constructor.name)
    }
  },
  'an agent forgets a socket that is destroyed where it was used later': async () => {
    const [red, blue] = [namespace(), namespace()]
    for (const place of [red, blue]) await place.run(answering('x'))
    const shared = agent()
    const started = [red, blue].map((place) =>
      place.run(() => http.get('http://127.0.0.1/', { agent: shared }).on('error', () => {}))
    )
    const [earlier, later] = await Promise.all(started.map((request) => first(request, 'socket')))
    assert.deepEqual(Object.keys(shared.sockets), ['127.0.0.1:80:', nameIn(blue)])
    await blue.run(() => once(earlier.destroy(), 'close'))
    assert.deepEqual(Object.keys(shared.sockets), [nameIn(blue)])
    await red.run(() => once(later.destroy(), 'close'))
    assert.deepEqual([Object.keys(shared.sockets), shared.totalSocketCount], [[], 0])
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
  }
}
