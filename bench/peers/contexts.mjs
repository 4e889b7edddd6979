/**
 * Node's own work: `inside` a context of the namespace `bench`, `outside` of every context after one was used, `plain`
 * without the library, `storage` without it in a context of an `AsyncLocalStorage`, `storage-outside` after one of those was
 * used, `idle` with a handle open and no context used yet, `unopened` with the library imported and no handle open yet.
 * Each in the same network: all but `inside`, `idle` and `unopened` are processes that were started there.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { inFlight, serve } from './serve.mjs'

const [mode] = process.argv.slice(2)
const ADDRESS = '127.0.0.1'
const nothing = () => {}
/** What ends what {@link lasting} made. */
const ends = []

async function main() {
  await work()
  for (const end of ends) end()
}

async function work() {
  if (mode === 'plain') return serve(operations())
  if (mode === 'storage') return new AsyncLocalStorage().run({}, () => serve(operations()))
  if (mode === 'storage-outside') {
    new AsyncLocalStorage().run({}, nothing)
    return serve(operations())
  }
  const { NetNs } = await import('node-netns')
  if (mode === 'unopened') return serve(atOnce(NetNs))
  const bench = NetNs.fromName('bench')
  if (mode === 'inside') return bench.run(() => serve(operations(bench)))
  if (mode === 'outside') bench.run(nothing)
  return serve(operations(bench))
}

function operations(bench) {
  return {
    'http-keep-alive': lasting(() => requests(new http.Agent({ keepAlive: true, maxSockets: 8 }))),
    'http-connection': lasting(() => requests(new http.Agent({ keepAlive: false }))),
    connect: lasting(connect),
    udp: lasting(udp),
    'resolve4-1': lasting(() => questions(1)),
    'resolve4-10': lasting(() => questions(10)),
    'resolve4-100': lasting(() => questions(100)),
    run() {
      const storage = new AsyncLocalStorage()
      return bench === undefined ? () => storage.run(storage, nothing) : () => bench.run(nothing)
    },
    'first-run'() {
      const storage = new AsyncLocalStorage()
      return { many: bench === undefined ? () => storage.run(storage, nothing) : () => bench.run(nothing) }
    }
  }
}

/** The same for every turn, which is too short for sockets of its own. */
function lasting(make) {
  let made
  return async () => {
    if (made === undefined) {
      const { many, end } = await make()
      ends.push(end)
      made = { many }
    }
    return made
  }
}

function atOnce(NetNs) {
  return {
    'first-run'() {
      const bench = NetNs.fromName('bench')
      return { many: () => bench.run(nothing) }
    }
  }
}

async function requests(agent) {
  const server = http.createServer((_request, response) => response.end('hello'))
  const port = await listening(server)
  const many = inFlight(8, (done) => {
    http.get({ host: ADDRESS, port, agent }, (response) => response.resume().on('end', done)).on('error', done)
  })
  return {
    many,
    end() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
    }
  }
}

async function connect() {
  const server = net.createServer((socket) => socket.end())
  const port = await listening(server)
  const many = inFlight(8, (done) => {
    net
      .connect(port, ADDRESS)
      .on('error', done)
      .on('close', () => done())
      .resume()
  })
  return { many, end: () => server.close() }
}

async function udp() {
  const echo = dgram.createSocket('udp4').on('message', (message, from) => echo.send(message, from.port, ADDRESS))
  const socket = dgram.createSocket('udp4')
  const waiting = []
  socket.on('message', () => waiting.shift()())
  const port = await bound(echo)
  await bound(socket)
  const many = inFlight(8, (done) => {
    waiting.push(done)
    socket.send('x', port, ADDRESS)
  })
  return { many, end: () => [echo, socket].map((each) => each.close()) }
}

/** The server has a process of its own, so that only asking is measured. */
async function questions(width) {
  const server = spawn(process.execPath, [fileURLToPath(new URL('programs/name-server.mjs', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const [port] = await once(server.stdout, 'data')
  const resolver = new dns.Resolver()
  resolver.setServers([`${ADDRESS}:${Number(port)}`])
  const many = inFlight(width, (done) => {
    resolver.resolve4('bench.example', (error, addresses) => {
      if (error === null && addresses[0] !== '10.1.2.3') done(new Error(`a wrong answer: ${addresses}`))
      else done(error)
    })
  })
  return { many, end: () => server.stdin.end() }
}

async function listening(server) {
  server.listen(0, ADDRESS)
  await once(server, 'listening')
  return server.address().port
}

async function bound(socket) {
  socket.bind(0, ADDRESS)
  await once(socket, 'listening')
  return socket.address().port
}

await main()
