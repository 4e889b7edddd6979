/** A forked child that is sent sockets and servers, hears of them in a context, and says where it hears their events. */
import { NetNs } from 'node-netns'

const red = NetNs.createSync()
const here = () => NetNs.current().id === red.id

/** Answers with where each event was heard, when the last one was. */
function hear(seen, events) {
  for (const [emitter, event] of events) {
    emitter.once(event, () => {
      seen[event] = here()
      if (event === events.at(-1)[1]) process.send(seen)
    })
  }
}

const each = {
  socket: (socket) =>
    hear(
      {},
      ['data', 'end', 'close'].map((event) => [socket, event])
    ),
  server: (server) =>
    server.once('connection', (socket) => {
      hear({ connection: here() }, [
        [socket, 'data'],
        [socket, 'close']
      ])
      socket.end()
      server.close()
    }),
  datagrams: (socket) => hear({}, [[socket, 'message']])
}

red.run(() => {
  process.on('message', (what, sent) => {
    each[what](sent)
    process.send('listening')
  })
})
process.send('ready')
