/** A server of the soak: tells who connects which network it is in, and says all again that it hears. Also a program. */
import { once } from 'node:events'
import { readlinkSync } from 'node:fs'
import net from 'node:net'

/** The kernel's number of a socket. */
export function inode(socket) {
  return /socket:\[(\d+)\]/.exec(readlinkSync(`/proc/self/fd/${socket._handle.fd}`))[1]
}

/** Starts one in the network of the context; `accept` is called with each socket and returns the name of the network. */
export async function serve(accept) {
  const server = net.createServer((socket) => {
    socket.write(`${accept(socket)}\n`)
    socket.on('data', (chunk) => socket.write(chunk))
  })
  await once(server.listen(7, '127.0.0.1'), 'listening')
  return server
}

if (process.send !== undefined) {
  const sockets = new Set()
  const place = readlinkSync('/proc/self/ns/net')
  await serve((socket) => {
    sockets.add(socket)
    // The client says what is lost.
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    return place
  })
  process.on('message', () => process.send([...sockets].map(inode))).on('disconnect', () => process.exit())
  process.send('listening')
}
