/**
 * Node's own work: `inside` a context of the namespace `bench`, `outside` of every context after one was used, `plain`
 * without the library. Each in the same network: `plain` and `outside` are processes that were started there.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { serve } from './serve.mjs'

const [mode] = process.argv.slice(2)

async function main() {
  if (mode === 'plain') return serve(operations({}))
  const { NetNs } = await import('node-netns')
  const bench = NetNs.fromName('bench')
  if (mode === 'inside') return bench.run(() => serve(operations(bench)))
  bench.run(() => {})
  return serve(operations(bench))
}

function operations(bench) {
  return {
    'http-keep-alive': () => request(new http.Agent({ keepAlive: true, maxSockets: 1 })),
    'http-connection': () => request(new http.Agent({ keepAlive: false })),
    connect() {
      const server = listening(net.createServer((socket) => socket.end()))
      return async () => {
        const socket = net.connect((await server).address().port, '127.0.0.1').resume()
        await once(socket, 'close')
      }
    },
    udp() {
      const echo = dgram.createSocket('udp4').on('message', (message, from) => echo.send(message, from.port))
      const socket = dgram.createSocket('udp4')
      const ready = Promise.all([bound(echo), bound(socket)])
      return async () => {
        await ready
        const answer = once(socket, 'message')
        socket.send('x', echo.address().port, '127.0.0.1')
        await answer
      }
    },
    resolve4() {
      const server = dgram.createSocket('udp4').on('message', (query, from) => server.send(answerTo(query), from.port))
      const resolver = new dns.promises.Resolver()
      const ready = bound(server).then(() => resolver.setServers([`127.0.0.1:${server.address().port}`]))
      return async () => {
        await ready
        const [address] = await resolver.resolve4('bench.example')
        if (address !== '10.1.2.3') throw new Error(`a wrong answer: ${address}`)
      }
    },
    run() {
      const storage = new AsyncLocalStorage()
      const nothing = () => {}
      return mode === 'plain' ? () => storage.run(storage, nothing) : () => bench.run(nothing)
    }
  }
}

function request(agent) {
  const server = listening(http.createServer((_request, response) => response.end('hello')))
  return async () => {
    const { port } = (await server).address()
    const [response] = await once(http.get({ host: '127.0.0.1', port, agent }), 'response')
    response.resume()
    await once(response, 'close')
  }
}

async function listening(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function bound(socket) {
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
}

/** The question again, flagged as an answer, and one record: the name of the question, A, IN, 60 s, 10.1.2.3. */
function answerTo(query) {
  const header = Buffer.from(query.subarray(0, 12))
  header.writeUInt16BE(0x8580, 2)
  header.writeUInt16BE(1, 6)
  header.writeUInt16BE(0, 10)
  const question = query.subarray(12, query.indexOf(0, 12) + 5)
  return Buffer.concat([header, question, Buffer.from('c00c000100010000003c00040a010203', 'hex')])
}

await main()
