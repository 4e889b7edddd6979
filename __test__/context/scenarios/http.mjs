/** HTTP: clients, servers, and the events that Node loses. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { NetNs } from 'node-netns'
import { ask, first, listen, namespace, saying, told } from '../../offline/kit.mjs'

export default {
  'a response reads inside, and so does the request of a server': async () => {
    const red = namespace()
    await red.run(async () => {
      const { port: behind } = await saying('behind')
      const server = http.createServer((request, response) => {
        request.on('data', () => {}).on('end', async () => response.end(await ask(behind, '127.0.0.1')))
      })
      const port = await listen(server)
      const request = http.request({ port, host: '127.0.0.1', method: 'POST' })
      request.end('body')
      const response = await first(request, 'response')
      const seen = []
      response.on('data', () => seen.push(NetNs.current().id))
      await once(response, 'end')
      assert.deepEqual(seen, [red.id])
    })
  },
  'parsers that both namespaces take in turns do not mix their contexts': async () => {
    const places = [namespace(), namespace()]
    const wrong = []
    await Promise.all(
      places.map((place) =>
        place.run(async () => {
          const server = http.createServer((request, response) => {
            request.on('data', () => NetNs.current().equals(place) || wrong.push('data'))
            request.on('end', () => NetNs.current().equals(place) || wrong.push('end'))
            request.on('close', () => NetNs.current().equals(place) || wrong.push('close'))
            response.on('finish', () => NetNs.current().equals(place) || wrong.push('finish'))
            response.end('x')
          })
          const port = await listen(server)
          for (let round = 0; round < 30; round += 1) {
            const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent: false })
            request.on('response', () => NetNs.current().equals(place) || wrong.push('response'))
            request.on('close', () => NetNs.current().equals(place) || wrong.push('request close'))
            const closed = once(request, 'close')
            request.end('x')
            await told(await first(request, 'response'))
            await closed
          }
        })
      )
    )
    assert.deepEqual(wrong, [])
  },
  "a server's 'connect' dials out, and its socket's 'data'": async () => {
    await namespace().run(async () => {
      const { port: behind } = await saying('tunnelled')
      const server = http.createServer()
      server.on('connect', (_request, socket) => {
        const upstream = net.connect(behind, '127.0.0.1')
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.once('data', () => upstream.pipe(socket))
      })
      const port = await listen(server)
      const request = http.request({ port, host: '127.0.0.1', method: 'CONNECT', path: 'x:1' }).end()
      const [, socket] = await once(request, 'connect')
      socket.write('go')
      assert.equal(await told(socket), 'tunnelled')
    })
  },
  "a server's 'upgrade' dials out, and its socket's 'data'": async () => {
    const red = namespace()
    await red.run(async () => {
      const { port: behind } = await saying('upgraded')
      const server = http.createServer()
      const places = []
      server.on('upgrade', (_request, socket) => {
        places.push(NetNs.current().id)
        socket.write('HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
        socket.once('data', async () => {
          places.push(NetNs.current().id)
          socket.end(await ask(behind, '127.0.0.1'))
        })
      })
      const port = await listen(server)
      const headers = { connection: 'upgrade', upgrade: 'x' }
      const request = http.request({ port, host: '127.0.0.1', headers }).end()
      const [, socket] = await once(request, 'upgrade')
      socket.write('go')
      assert.equal(await told(socket), 'upgraded')
      assert.deepEqual(places, [red.id, red.id])
    })
  },
  "a server's 'clientError', 'checkContinue', 'dropRequest' and 'timeout' are inside": async () => {
    const red = namespace()
    const seen = await red.run(async () => {
      const seen = {}
      const see = (event) => {
        seen[event] = NetNs.current().id
      }
      const server = http.createServer((_, response) => response.end('x'))
      server.maxRequestsPerSocket = 1
      server.on('clientError', (_error, socket) => {
        see('clientError')
        socket.destroy()
      })
      server.on('checkContinue', (_request, response) => {
        see('checkContinue')
        response.end()
      })
      server.on('dropRequest', () => see('dropRequest'))
      const port = await listen(server)
      await told(await wrote(port, 'rubbish\r\n\r\n')).catch(() => {})
      await told(await wrote(port, 'GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n'))
      const twice = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
      const socket = await wrote(port, twice + twice)
      while (seen.dropRequest === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
      socket.destroy()
      server.setTimeout(10, (timedOut) => {
        see('timeout')
        timedOut.destroy()
      })
      await told(await wrote(port, ''))
      return seen
    })
    assert.deepEqual(new Set(Object.values(seen)), new Set([red.id]))
    assert.deepEqual(Object.keys(seen).sort(), ['checkContinue', 'clientError', 'dropRequest', 'timeout'])
  }
}

async function wrote(port, text) {
  const socket = net.connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return socket
}
