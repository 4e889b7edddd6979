/** A forked child that gives its parent what it is asked for: a connection that it accepted, or a UDP socket. */
import dgram from 'node:dgram'
import net from 'node:net'

const ways = {
  socket: () => {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => process.send('socket', socket))
    server.listen(0, '127.0.0.1', () => process.send(server.address().port))
  },
  datagrams: () => {
    const socket = dgram.createSocket('udp4')
    socket.bind(0, '127.0.0.1', () => process.send(socket.address().port, socket))
  }
}
ways[process.argv[2]]()
