/** The verbs: run, enter, bind, nesting, stepping out, policies, closed handles. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { MessageChannel } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { ask, brokered, listen, namespace, saying } from '../../offline/kit.mjs'

export default {
  'run gives its result, passes arguments, and throws what is thrown': async () => {
    const red = namespace()
    assert.equal(
      red.run((a, b) => a + b, 1, 2),
      3
    )
    assert.throws(
      () =>
        red.run(() => {
          throw new RangeError('mine')
        }),
      { name: 'RangeError', message: 'mine' }
    )
    assert.equal(NetNs.current().id, NetNs.home().id)
  },
  'nesting, and stepping out by home().run': async () => {
    const [red, blue] = [namespace(), namespace()]
    const { port } = await red.run(() => saying('red'))
    await red.run(async () => {
      await blue.run(async () => {
        assert.ok(NetNs.current().equals(blue))
        await assert.rejects(ask(port, '127.0.0.1'), { code: 'ECONNREFUSED' })
        assert.equal(await red.run(() => ask(port, '127.0.0.1')), 'red')
        assert.ok(NetNs.current().equals(blue))
      })
      assert.ok(NetNs.current().equals(red))
      await NetNs.home().run(async () => {
        assert.ok(NetNs.current().equals(NetNs.home()))
        await assert.rejects(ask(port, '127.0.0.1'), { code: 'ENETUNREACH' })
      })
      assert.equal(await ask(port, '127.0.0.1'), 'red')
    })
  },
  'enter changes the rest of its context alone': async () => {
    const red = namespace()
    const { port } = await red.run(() => saying('red'))
    await new Promise((resolve, reject) => {
      setImmediate(async () => {
        red.enter()
        await null
        ask(port, '127.0.0.1').then(resolve, reject)
      })
    })
    assert.ok(NetNs.current().equals(NetNs.home()))
    await assert.rejects(ask(port, '127.0.0.1'), { code: 'ENETUNREACH' })
  },
  'enter ends with the turn of what comes again: a timer, a message, data of a socket': async () => {
    const [red, blue] = [namespace(), namespace()]
    const found = {}
    const look = (kind, enter) => {
      found[kind] ??= []
      found[kind].push(NetNs.current().equals(blue) ? 'blue' : 'elsewhere')
      enter()
    }
    const twice = () => {
      blue.enter()
      red.enter()
    }
    await blue.run(async () => {
      for (const [kind, enter] of Object.entries({ timer: twice, nested: () => red.run(() => blue.enter()) })) {
        await new Promise((resolve) => {
          const timer = setInterval(() => {
            look(kind, enter)
            if (found[kind].length < 3) return
            clearInterval(timer)
            resolve()
          }, 1)
        })
      }
      const { port1, port2 } = new MessageChannel()
      port2.on('message', () => look('message', twice))
      const port = await listen(
        net.createServer((socket) =>
          socket.on('data', (data) => {
            look('data', twice)
            socket.write(data)
          })
        )
      )
      const client = net.connect(port, '127.0.0.1')
      const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1')
      await once(socket, 'listening')
      socket.on('message', () => look('datagram', twice))
      for (const _ of [1, 2, 3]) {
        port1.postMessage('')
        client.write('x')
        socket.send('x', socket.address().port, '127.0.0.1')
        await Promise.all([once(port2, 'message'), once(client, 'data'), once(socket, 'message')])
      }
      port1.close()
      client.destroy()
      socket.close()
    })
    const stayed = ['blue', 'blue', 'blue']
    assert.deepEqual(found, { timer: stayed, nested: stayed, message: stayed, data: stayed, datagram: stayed })
  },
  'bind keeps `this`, arguments and name, and works in another context': async () => {
    const [red, blue] = [namespace(), namespace()]
    const { port } = await red.run(() => saying('red'))
    const object = {
      host: '127.0.0.1',
      dial: red.bind(function dial(to) {
        return ask(to, this.host)
      })
    }
    assert.equal(object.dial.length, 1)
    assert.match(object.dial.name, /dial/)
    assert.equal(await object.dial(port), 'red')
    assert.equal(await blue.run(() => object.dial(port)), 'red')
  },
  'what is deferred inside runSync stays inside': async () => {
    const red = namespace()
    const { port } = await red.run(() => saying('red'))
    const connect = () => net.connect(port, '127.0.0.1')
    if (brokered) {
      assert.throws(() => red.runSync(connect), { code: 'EPERM', message: /CAP_SYS_ADMIN/ })
      return
    }
    const socket = red.runSync(connect)
    let text = ''
    for await (const chunk of socket) text += chunk
    assert.equal(text, 'red')
  },
  'runSync has a context the first time and later, which ends with it, and what it defers keeps it': async () => {
    if (brokered) return
    const [red, blue] = [namespace(), namespace()]
    const where = () => NetNs.current().inode
    const deferred = []
    const visit = () => {
      deferred.push(Promise.resolve().then(where), new Promise((resolve) => setImmediate(() => resolve(where()))))
      const seen = [where(), blue.runSync(where), where()]
      assert.throws(() => blue.runSync(() => assert.fail(String(where()))), { message: String(blue.inode) })
      return [...seen, where()]
    }
    const home = NetNs.home().inode
    for (const expected of [home, blue.inode]) {
      const inTurn = async () => {
        for (let time = 0; time < 3; time++) {
          assert.deepEqual(red.runSync(visit), [red.inode, blue.inode, red.inode, red.inode])
          assert.equal(where(), expected)
          await null
          assert.equal(where(), expected)
        }
      }
      await (expected === home ? inTurn() : blue.run(inTurn))
    }
    assert.equal(deferred.length, 12)
    for (const inode of await Promise.all(deferred)) assert.equal(inode, red.inode)
    assert.equal(where(), home)
  },
  "outside(ns): without a context everything is there; 'home' takes it back": async () => {
    const red = namespace()
    const { port } = await red.run(() => saying('red'))
    NetNs.outside(red)
    assert.equal(await ask(port, '127.0.0.1'), 'red')
    assert.ok(NetNs.current().equals(red))
    assert.equal(String(childProcess.execFileSync('readlink', ['/proc/self/ns/net'])).trim(), red.id)
    NetNs.outside('home')
    await assert.rejects(ask(port, '127.0.0.1'), { code: 'ENETUNREACH' })
  },
  "outside('deny'): a context still works": async () => {
    const red = namespace()
    NetNs.outside('deny')
    const { port } = await red.run(() => saying('red'))
    assert.equal(await red.run(() => ask(port, '127.0.0.1')), 'red')
  },
  'a closed handle is refused at once by run, enter, bind and outside': () => {
    const red = NetNs.createSync()
    red.close()
    for (const use of [
      () => red.run(() => {}),
      () => red.enter(),
      () => red.bind(() => {}),
      () => NetNs.outside(red)
    ]) {
      assert.throws(use, { code: 'ERR_NETNS_CLOSED' })
    }
  },
  'what was open before its namespace was closed goes on': async () => {
    const red = NetNs.createSync()
    await red.run(async () => {
      const server = net.createServer((socket) => socket.pipe(socket))
      const port = await listen(server)
      const client = net.connect(port, '127.0.0.1')
      await once(client, 'connect')
      red.close()
      client.end('still there')
      let text = ''
      for await (const chunk of client) text += chunk
      assert.equal(text, 'still there')
    })
  }
}
