/**
 * Loads http2 when nothing is left to connect, and prints where the events of a pushed stream are. The server is in a
 * Worker, which has modules of its own.
 */
import { once } from 'node:events'
import net from 'node:net'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'

const server = `
  const server = require('node:http2').createServer()
  server.on('stream', (stream) => {
    stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => pushed.end('pushed'))
    stream.respond({ ':status': 200 })
    stream.end('main')
  })
  server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port))`

const red = NetNs.createSync()
await red.run(async () => {
  const worker = new Worker(server, { eval: true })
  const [port] = await once(worker, 'message')
  const socket = net.connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  await once(socket, 'connect')
  if (process.moduleLoadList.includes('NativeModule http2')) throw new Error('http2 is loaded already')
  const { connect } = await import('node:http2')
  const session = connect(`http://127.0.0.1:${port}`, { createConnection: () => socket })
  const places = {}
  const pushed = once(session, 'stream').then(async ([stream]) => {
    stream.once('data', () => {
      places.data = NetNs.current().id
    })
    await new Promise((resolve) => stream.once('end', resolve))
    places.end = NetNs.current().id
  })
  session.request({ ':path': '/' }).resume()
  await pushed
  console.log(JSON.stringify({ red: red.id, places }))
  process.exit()
})
