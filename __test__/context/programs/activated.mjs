/** A program that is started with a listening socket as descriptor 3, listens on it in a context, and says where it hears. */
import http from 'node:http'
import { NetNs } from 'node-netns'

const red = NetNs.createSync()
const seen = {}
const server = http.createServer()
for (const event of ['upgrade', 'connect']) {
  server.on(event, (_request, socket) => {
    socket.destroy()
    seen[event] = NetNs.current().id === red.id
    if (Object.keys(seen).length < 2) return
    process.stdout.write(JSON.stringify(seen))
    server.close()
  })
}
red.run(() => server.listen({ fd: 3 }))
