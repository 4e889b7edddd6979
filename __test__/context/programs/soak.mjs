/**
 * Many connections in many namespaces from one process, open for a while with traffic. It ends with an error if one is
 * lost, if the kernel has one elsewhere than in its namespace, if a thread is not at home, or if something stays behind.
 * Needs `--expose-gc`, root, and two descriptors for each connection; one if the servers are processes, with `--apart`.
 */
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { NetNs } from 'node-netns'
import { inode, serve } from './soak-server.mjs'

const number = (name, usual) => [name, { type: 'string', default: String(usual) }]
const options = Object.fromEntries([
  number('namespaces', 20),
  number('connections', 1000),
  number('seconds', 60),
  number('pause', 2)
])
const { apart, ...sizes } = parseArgs({ options: { ...options, apart: { type: 'boolean', default: false } } }).values
const { namespaces, connections, seconds, pause } = Object.fromEntries(
  Object.entries(sizes).map(([name, value]) => [name, Number(value)])
)
/** Fewer than a server's backlog. */
const AT_ONCE = 200
/** What compiled code and caches may take of the heap, in bytes. */
const ROOM = 10 * 2 ** 20
const ADDRESS = '127.0.0.1'
const home = readlinkSync('/proc/self/ns/net')
const lost = []
let over = false
let exchanges = 0

/** A namespace with a server and its clients. */
class Place {
  ns = NetNs.createSync()
  /** Those of this process: of every connection one end, or both. */
  sockets = []
  clients = []

  async serve() {
    if (apart) {
      this.child = fork(fileURLToPath(new URL('soak-server.mjs', import.meta.url)), { execArgv: [] })
      await once(this.child, 'message')
      return
    }
    this.server = await serve((socket) => {
      this.watch(socket)
      const here = NetNs.current()
      here.close()
      return here.id
    })
  }

  async connect() {
    const socket = net.connect(7, ADDRESS)
    this.watch(socket)
    const lines = new Lines(socket)
    this.clients.push({ socket, lines })
    // One that fails ends the program, which would wait for its first line for ever.
    await once(socket, 'connect')
    assert.equal(await lines.next(), this.ns.id)
  }

  watch(socket) {
    this.sockets.push(socket)
    for (const event of ['error', 'end', 'close']) {
      socket.on(event, (error) => over || lost.push(`${this.ns.id} ${event} ${error?.code ?? ''}`))
    }
  }

  /** Has each client say something again and again, and hear the same, until `end`. */
  talk(end) {
    return Promise.all(
      this.clients.map(async ({ socket, lines }, index) => {
        for (let turn = 0; turn === 0 || performance.now() < end; turn++) {
          const said = `${this.ns.id} ${index} ${turn}`
          socket.write(`${said}\n`)
          assert.equal(await lines.next(), said)
          exchanges += 1
          // Not all in one moment.
          if (performance.now() < end) await sleep(pause * 1000 * (0.5 + Math.random()))
        }
      })
    )
  }

  /** Asks the kernel which connections the namespace has: all of these, and no other. */
  async check() {
    const known = this.sockets.map(inode)
    assert.equal(known.length, (apart ? 1 : 2) * this.clients.length)
    if (apart) {
      this.child.send('which?')
      known.push(...(await once(this.child, 'message'))[0])
    }
    assert.deepEqual(this.ns.runSync(established).sort(), known.sort())
  }

  async close() {
    const closed = this.sockets.map((socket) => once(socket, 'close'))
    for (const socket of this.sockets) socket.destroy()
    await Promise.all(closed)
    if (apart) {
      this.child.kill()
      await once(this.child, 'exit')
    } else {
      await new Promise((resolve) => this.server.close(resolve))
    }
    this.ns.close()
  }
}

/** What a socket says, line by line. */
class Lines {
  #text = ''
  #waiting

  constructor(socket) {
    socket.setEncoding('latin1').on('data', (chunk) => {
      this.#text += chunk
      this.#give()
    })
  }

  next() {
    return new Promise((resolve) => {
      this.#waiting = resolve
      this.#give()
    })
  }

  #give() {
    const end = this.#text.indexOf('\n')
    if (end < 0 || this.#waiting === undefined) return
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 1)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting(line)
  }
}

/** The established connections of the network that the thread is in, by the numbers of their sockets. */
function established() {
  const rows = readFileSync('/proc/thread-self/net/tcp', 'latin1').trim().split('\n').slice(1)
  return rows.map((row) => row.trim().split(/\s+/)).flatMap((cells) => (cells[3] === '01' ? [cells[9]] : []))
}

function everyThreadIsHome() {
  for (const thread of readdirSync('/proc/self/task')) {
    assert.equal(readlinkSync(`/proc/self/task/${thread}/ns/net`), home, `thread ${thread}`)
  }
}

function descriptors() {
  return readdirSync('/proc/self/fd').length
}

async function settled() {
  for (let round = 0; round < 3; round++) {
    await sleep(20)
    globalThis.gc()
  }
  const { heapUsed, rss } = process.memoryUsage()
  return { heapUsed, rss, fds: descriptors() }
}

async function checkAll(places) {
  for (const place of places) await place.check()
  assert.deepEqual(established(), [], 'connections at home')
  everyThreadIsHome()
}

async function soak(count, each, duration) {
  over = false
  const places = Array.from({ length: count }, () => new Place())
  const started = performance.now()
  await Promise.all(
    places.map((place) =>
      place.ns.run(async () => {
        await place.serve()
        while (place.clients.length < each) {
          const more = Math.min(AT_ONCE, each - place.clients.length)
          await Promise.all(Array.from({ length: more }, () => place.connect()))
        }
      })
    )
  )
  const opened = performance.now()
  await checkAll(places)
  await Promise.all(places.map((place) => place.ns.run(() => place.talk(opened + duration * 1000))))
  await checkAll(places)
  const { rss, heapUsed } = process.memoryUsage()
  const held = (performance.now() - opened) / 1000
  over = true
  await Promise.all(places.map((place) => place.close()))
  everyThreadIsHome()
  return { seconds: held, opening: (opened - started) / 1000, rss, heapUsed }
}

const MB = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MB`

// What a first time leaves is not what a second one may.
await soak(2, Math.min(connections, AT_ONCE), 0)
const before = await settled()
exchanges = 0
const during = await soak(namespaces, connections, seconds)
const after = await settled()
assert.deepEqual(lost, [])
assert.equal(after.fds, before.fds, 'descriptors stay behind')
assert.ok(after.heapUsed < before.heapUsed + ROOM, `${MB(after.heapUsed - before.heapUsed)} of the heap stay behind`)
console.log(
  `${namespaces} namespaces × ${connections} connections, opened in ${during.opening.toFixed(1)} s, ` +
    `open for ${during.seconds.toFixed(1)} s with ${exchanges} exchanges: none lost, none elsewhere, every thread home.`
)
console.log(
  `Heap ${MB(before.heapUsed)} before, ${MB(during.heapUsed)} while open, ${MB(after.heapUsed)} after; ` +
    `resident ${MB(before.rss)}, ${MB(during.rss)}, ${MB(after.rss)}; descriptors ${before.fds} and ${after.fds}.`
)
