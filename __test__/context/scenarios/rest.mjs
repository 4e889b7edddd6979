/** While no context is left, nothing is followed; whatever is left, or begins then, carries its namespace all the same. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage, AsyncResource, createHook } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { ask, brokered, later, listen, namespace, saying } from '../../offline/kit.mjs'

const shown = shownBinding()

/** Where Node counts hooks, if it shows that. */
function shownBinding() {
  process.noDeprecation = true
  try {
    return process.binding('async_wrap')
  } catch {
    return undefined
  } finally {
    delete process.noDeprecation
  }
}

/** How many hooks Node calls for each resource. Newer ones need none for contexts, and show none. */
function followers() {
  return shown === undefined ? 0 : shown.async_hook_fields[shown.constants.kInit]
}

/** Has the collector find what is gone, and say so. */
async function collect() {
  for (let round = 0; round < 3; round += 1) {
    gc()
    await sleep(1)
  }
}

/** Until nothing is followed. */
async function rest() {
  while (followers() > 0) await collect()
}

/** Contexts of somebody else's begin and end. */
async function churn() {
  const other = namespace()
  for (let round = 0; round < 3; round += 1) {
    other.run(() => new FinalizationRegistry(() => {}).register({}, 0))
    await collect()
  }
}

function deferred() {
  const made = {}
  made.promise = new Promise((resolve) => Object.assign(made, { resolve }))
  return made
}

/** Each is called inside with what is to be called there later, and returns what has it called, from outside. */
const CARRIERS = {
  'a promise': (back) => {
    const { promise, resolve } = deferred()
    void promise.then(back)
    return resolve
  },
  'an async function': (back) => {
    const { promise, resolve } = deferred()
    void (async () => {
      await promise
      back()
    })()
    return resolve
  },
  'an async generator': (back) => {
    const { promise, resolve } = deferred()
    async function* values() {
      yield await promise
    }
    void (async () => {
      for await (const _ of values()) back()
    })()
    return resolve
  },
  'a thenable': (back) => {
    const { promise, resolve } = deferred()
    void (async () => {
      // biome-ignore lint/suspicious/noThenProperty: what is awaited here is a thenable that is no promise
      await { then: (done) => promise.then(done) }
      back()
    })()
    return resolve
  },
  'a timer that nothing waits for': (back) => {
    let wanted = false
    const timer = setInterval(() => {
      if (!wanted) return
      clearInterval(timer)
      back()
    }, 1).unref()
    return () => {
      wanted = true
      timer.ref()
    }
  },
  'AsyncResource.runInAsyncScope': (back) => {
    const resource = new AsyncResource('TEST')
    return () => resource.runInAsyncScope(back)
  },
  'AsyncResource.bind': (back) => AsyncResource.bind(back),
  'AsyncLocalStorage.bind': (back) => AsyncLocalStorage.bind(back),
  'AsyncLocalStorage.snapshot': (back) => {
    const snapshot = AsyncLocalStorage.snapshot()
    return () => snapshot(back)
  },
  'a signal': (back) => {
    process.once('SIGUSR2', back)
    return () => process.kill(process.pid, 'SIGUSR2')
  },
  'a stream': (back) => {
    const stream = new PassThrough()
    void (async () => {
      for await (const _ of stream) back()
    })()
    return () => stream.end('x')
  },
  'a Worker': (back) => {
    const script = 'require("node:worker_threads").parentPort.once("message", () => process.exit())'
    const worker = new Worker(script, { eval: true }).once('exit', back)
    return () => worker.postMessage('end')
  },
  'a child': (back) => {
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] }).once('exit', back)
    return () => child.stdin.end()
  },
  'a request that waits for a socket': (back) => {
    const { promise, resolve } = deferred()
    const agent = new http.Agent({ maxSockets: 1 })
    agent.createConnection = (_options, callback) => void promise.then(() => callback(new Error('refused')))
    http.get({ host: '127.0.0.1', agent }).on('error', () => {})
    http.get({ host: '127.0.0.1', agent }).once('error', back)
    return resolve
  },
  'a UDP socket': (back) => {
    const socket = dgram.createSocket('udp4').bind(4000, '127.0.0.1')
    socket.once('message', () => {
      socket.close()
      back()
    })
    const red = NetNs.current()
    return () => {
      const sender = red.dgram.createSocket('udp4')
      sender.send('x', 4000, '127.0.0.1', () => sender.close())
    }
  },
  'a server': (back) => {
    const server = net.createServer((socket) => {
      server.close()
      socket.end()
      back()
    })
    server.listen(4000, '127.0.0.1')
    const red = NetNs.current()
    return () => red.net.connect(4000, '127.0.0.1').resume()
  }
}

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

/** A function to be called inside, and what is then seen there: where, and what a server there says a little later. */
function witness() {
  const { promise, resolve } = deferred()
  const look = async () => {
    const before = NetNs.current().id
    const { port } = await saying('inside')
    await sleep(1)
    resolve([before, await ask(port, '127.0.0.1'), NetNs.current().id])
  }
  return { seen: promise, back: () => void look() }
}

const carried = Object.entries(CARRIERS).map(([what, carry]) => [
  `${what} keeps its context while all else is collected`,
  async () => {
    const red = namespace()
    await rest()
    const { seen, back } = witness()
    const go = red.run(carry, back)
    await churn()
    assert.equal(NetNs.current().id, NetNs.home().id)
    if (shown !== undefined) assert.equal(followers(), 1)
    go()
    assert.deepEqual(await seen, [red.id, 'inside', red.id])
  }
])

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
  ...Object.fromEntries(carried),
  ...Object.fromEntries(begun),
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
