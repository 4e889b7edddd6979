/** A worker of a cluster: listens in a namespace of its own by options of all kinds, and tells what came of each. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { NetNs } from 'node-netns'

class TcpOptions {
  #port = 8000
  get port() {
    return this.#port
  }
  get host() {
    return '127.0.0.1'
  }
}
class UdpOptions {
  get port() {
    return 8000
  }
  get address() {
    return '127.0.0.1'
  }
}

const red = NetNs.createSync()
const answers = await red.run(async () => {
  const found = []
  for (const options of [new TcpOptions(), { port: 8001, fd: undefined }, Object.freeze({ port: 8002 })]) {
    const server = net.createServer((socket) => socket.end()).listen(options)
    await once(server, 'listening')
    const { port } = server.address()
    await once(net.connect(port, '127.0.0.1').resume(), 'close')
    found.push(port)
  }
  for (const options of [new UdpOptions(), { port: 8001, fd: 0 }]) {
    const socket = dgram.createSocket('udp4').bind(options)
    await once(socket, 'listening')
    const { address, port } = socket.address()
    found.push(`${address}:${port}`)
  }
  for (const wrong of [true, {}, { port: {} }]) {
    try {
      net.createServer().listen(wrong)
    } catch (error) {
      found.push(error.message.includes('exclusive') ? error.message : error.code)
    }
  }
  return found
})
process.send(answers)
