/** While no context is left, nothing is followed; whatever begins then carries its namespace all the same. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage, createHook, executionAsyncResource } from 'node:async_hooks'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { NetNs } from 'node-netns'
import { ask, brokered, later, listen, namespace, saying } from '../../offline/kit.mjs'
import { churn, collect, deferred, rest, shown, witness } from '../../offline/resting.mjs'

/** What begins anew, as nobody is there meanwhile. */
const BEGINNERS = {
  run: (red, back) => () => red.run(back),
  'a bound function': (red, back) => red.bind(back),
  ...(brokered ? {} : { runSync: (red, back) => () => red.runSync(() => void setImmediate(back)) }),
  "a server of the namespace's": (red, back) => {
    const serve = () => {
      const server = red.net.createServer((socket) => {
        server.close()
        socket.end()
        back()
      })
      server.listen(4000, '127.0.0.1', () => red.net.connect(4000, '127.0.0.1').resume())
    }
    return serve
  }
}

const begun = Object.entries(BEGINNERS).map(([what, begin]) => [
  `${what} is inside after nothing was followed`,
  async () => {
    const red = namespace()
    const { seen, back } = witness()
    const go = begin(red, back)
    await rest()
    assert.equal(NetNs.current().id, NetNs.home().id)
    go()
    assert.deepEqual(await seen, [red.id, 'inside', red.id])
  }
])

export default {
  ...Object.fromEntries(begun),
  'Node calls what native code calls directly in a context, and tells whoever asks of the resource that runs':
    async () => {
      const red = namespace()
      const asked = () =>
        shown === undefined ? 0 : shown.async_hook_fields[shown.constants.kUsesExecutionAsyncResource]
      const inFile = (fn) => new Promise((resolve) => fs.stat('/', () => resolve(fn())))
      const storage = new AsyncLocalStorage()
      await red.run(async () => {
        for (let round = 0; round < 3; round += 1) {
          assert.equal(await inFile(asked), 0)
          assert.equal((await inFile(executionAsyncResource)).constructor.name, 'FSReqCallback')
          const found = () => [NetNs.current().id, storage.getStore()]
          assert.deepEqual(await storage.run(round, inFile, found), [red.id, round])
        }
      })
      storage.disable()
    },
  'nothing is followed while there is no context, again and again': async () => {
    const red = namespace()
    for (let round = 0; round < 5; round += 1) {
      await red.run(async () => {
        const { server, port } = await saying('inside')
        await collect()
        assert.equal(await ask(port, '127.0.0.1'), 'inside')
        server.close()
      })
      await rest()
      await assert.rejects(ask(80, '192.0.2.1'), { code: 'ENETUNREACH' })
    }
  },
  'Node looks after resources for nobody while nothing is followed, and tells of them all the same': async () => {
    const red = namespace()
    red.run(() => {})
    await rest()
    await sleep(1)
    if (shown !== undefined) {
      const { async_hook_fields: fields, constants } = shown
      assert.equal(fields[constants.kUsesExecutionAsyncResource], 0)
    }
    const told = () => new Promise((resolve) => fs.stat('/', () => resolve(executionAsyncResource())))
    const storage = new AsyncLocalStorage()
    for (let round = 0; round < 2; round += 1) {
      assert.equal((await told()).constructor.name, 'FSReqCallback')
      const inFile = () => new Promise((resolve) => fs.stat('/', () => resolve(storage.getStore())))
      assert.equal(await storage.run('theirs', inFile), 'theirs')
    }
    storage.disable()
  },
  'who enters after nothing was followed is alone there': async () => {
    const red = namespace()
    red.run(() => {})
    await rest()
    const gate = deferred()
    const place = async (ready) => {
      await ready
      const before = NetNs.current().id
      await sleep(1)
      return [before, NetNs.current().id]
    }
    const others = [place(gate.promise), place(gate.promise), place(sleep(20))]
    const enter = async () => {
      await sleep(1)
      others.push(place(gate.promise))
      gate.resolve()
      await undefined
      red.enter()
      return place(sleep(1))
    }
    assert.deepEqual(await enter(), [red.id, red.id])
    const home = NetNs.home().id
    for (const other of others) assert.deepEqual(await other, [home, home])
    assert.equal(NetNs.current().id, home)
  },
  'what is outside of contexts is refused, or goes where it is told to, after nothing was followed': async () => {
    const [red, blue] = [namespace(), namespace()]
    const { port } = await blue.run(saying, 'blue')
    red.run(() => {})
    await collect()
    NetNs.outside('deny')
    await assert.rejects(ask(port, '127.0.0.1'), { code: 'ERR_NETNS_OUTSIDE' })
    NetNs.outside(blue)
    assert.equal(await ask(port, '127.0.0.1'), 'blue')
    assert.equal(await red.run(async () => NetNs.current().id), red.id)
    assert.equal(await ask(port, '127.0.0.1'), 'blue')
  },
  "others' storages have what they had": async () => {
    const red = namespace()
    await rest()
    const storage = new AsyncLocalStorage()
    const gate = deferred()
    const kept = storage.run('theirs', async () => {
      await gate.promise
      return [storage.getStore(), await red.run(async () => storage.getStore())]
    })
    red.run(() => {})
    await collect()
    gate.resolve()
    assert.deepEqual(await kept, ['theirs', 'theirs'])
    assert.equal(storage.getStore(), undefined)
    storage.disable()
    await rest()
  },
  "a context that begins in somebody's hook, put on while nothing was followed": async () => {
    const red = namespace()
    red.run(() => {})
    await rest()
    const { seen, back } = witness()
    let begun = false
    const hook = createHook({
      before() {
        if (begun) return
        begun = true
        red.run(() => setImmediate(back))
      }
    }).enable()
    later(() => hook.disable())
    await sleep(1)
    assert.deepEqual(await seen, [red.id, 'inside', red.id])
  },
  'connections that are kept alive keep their context, and so does what they hear': async () => {
    const red = namespace()
    const heard = []
    const server = http.createServer(async (request, response) => {
      heard.push(NetNs.current().id)
      for await (const _ of request) heard.push(NetNs.current().id)
      response.end('inside')
    })
    const port = await red.run(listen, server, 4000, '127.0.0.1')
    const agent = new http.Agent({ keepAlive: true })
    later(() => agent.destroy())
    const post = async () => {
      const request = http.request({ host: '127.0.0.1', port, agent, method: 'POST' })
      request.end('x')
      const [response] = await once(request, 'response')
      await once(response.resume(), 'end')
      return [request.reusedSocket, NetNs.current().id]
    }
    assert.deepEqual(await red.run(post), [false, red.id])
    for (let round = 0; round < 3; round += 1) {
      await churn()
      assert.deepEqual(await red.run(post), [true, red.id])
    }
    assert.deepEqual(heard, Array(8).fill(red.id))
  }
}
