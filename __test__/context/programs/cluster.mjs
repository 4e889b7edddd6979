/** A worker of a cluster, which knows nothing of namespaces: says by TCP and by UDP where it is. */
import dgram from 'node:dgram'
import { readlinkSync } from 'node:fs'
import net from 'node:net'

const place = readlinkSync('/proc/self/ns/net')
const datagrams = dgram.createSocket('udp4')
datagrams.on('message', (_, from) => datagrams.send(place, from.port, from.address))
datagrams.bind(8001, '127.0.0.1', () => {
  const server = net.createServer((socket) => socket.end(place))
  server.listen(8000, '127.0.0.1', () => process.send({ ready: place }))
})
