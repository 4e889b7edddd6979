/** What scenarios share. */
import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import net from 'node:net'
import { NetNs, probe } from 'node-netns'

const packets = createRequire(import.meta.url)('dns-packet')
const undone = []

/** Has `undo` called when the scenario is over. */
export function later(undo) {
  undone.push(undo)
}

/** Ends what the scenario left open, last first. */
export async function cleanUp() {
  NetNs.outside('home')
  for (const undo of undone.splice(0).reverse()) await undo()
}

/** Whether this process may not go where it works, so that a broker does it. */
export const brokered = !(await probe()).can.runSync.ok

/** A new namespace with `lo` up, closed when the scenario is over. */
export function namespace(options) {
  const made = NetNs.createSync(options)
  later(() => {
    made.close()
    if (options?.name !== undefined) NetNs.deleteSync(options.name)
  })
  return made
}

/** Starts a server, to be closed when the scenario is over; resolves with its port. */
export async function listen(server, ...args) {
  const sockets = new Set()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(...(args.length > 0 ? args : [0, '127.0.0.1']))
  await once(server, 'listening')
  later(async () => {
    for (const socket of sockets) socket.destroy()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return typeof address === 'string' ? address : address?.port
}

/** A TCP server that says `text` to whoever connects, and ends; on a given port if that matters. */
export async function saying(text, port = 0, host = '127.0.0.1') {
  const server = net.createServer((socket) => socket.end(text))
  return { server, port: await listen(server, port, host) }
}

/** All that a stream or socket says. */
export async function told(stream) {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

/** Connects and listens to the end. */
export async function ask(...args) {
  return told(net.connect(...args))
}

/** A name server on port 53 of the namespace whose context this is called in, that knows these IPv4 addresses. */
export async function nameServer(addresses) {
  const socket = dgram.createSocket('udp4')
  const asked = []
  socket.on('message', (message, from) => {
    const { id, questions } = packets.decode(message)
    const [{ name, type }] = questions
    asked.push(name)
    const known = addresses[name]
    const answers = type === 'A' && known !== undefined ? [{ type, name, ttl: 1, data: known }] : []
    const rcode = known === undefined ? 3 : 0
    socket.send(
      packets.encode({ type: 'response', id, flags: 0x8180 | rcode, questions, answers }),
      from.port,
      from.address
    )
  })
  socket.bind(53, '127.0.0.1')
  await once(socket, 'listening')
  later(() => socket.close())
  return asked
}

/** Two namespaces with a link between them, `192.0.2.1` and `192.0.2.2`, and link-local addresses. */
export async function pair() {
  const [red, blue] = [namespace(), namespace()]
  const end = (number) => ({
    name: 'link0',
    up: true,
    addresses: [`192.0.2.${number}/24`, `fe80::${number}/64`]
  })
  await red.links.add({ kind: 'veth', ...end(1), peer: { netns: blue, ...end(2) } })
  return { red, blue }
}

/** The first event's single value. */
export async function first(emitter, event) {
  const [value] = await once(emitter, event)
  return value
}

/** Waits until something listens on a port of the context's namespace. */
export async function reachable(port, host = '127.0.0.1') {
  for (;;) {
    const socket = net.connect(port, host)
    try {
      await once(socket, 'connect')
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20))
    } finally {
      socket.destroy()
    }
  }
}

/** Starts a server program in the context's namespace; the returned function ends it, as does the end of the scenario. */
export function program(file, args, options = {}) {
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options })
  const exited = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGINT')
    await exited
  }
  later(stop)
  return stop
}
