/** Questions by TCP: for what does not fit into a datagram (RFC 7766). */

import type net from 'node:net'
import { builtin } from '../builtin.ts'
import type { Exchange, LocalAddress, Waiter } from './exchange.ts'
import { randomId } from './lazy.ts'
import type { Server } from './server.ts'
import { read, withId } from './wire.ts'

/** Sends a question on a connection of its own. */
export function sendByTcp(server: Server, local: LocalAddress, waiter: Waiter): Exchange {
  const id = randomId()
  let received: Buffer = Buffer.alloc(0)
  let done = false
  let socket: net.Socket | undefined

  function finish(tell: () => void): void {
    if (done) return
    done = true
    socket?.destroy()
    tell()
  }

  function fail(error: Error): void {
    finish(() => waiter.failed(error))
  }

  function receive(chunk: Buffer): void {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    while (!done && received.length >= 2) {
      const end = 2 + received.readUInt16BE(0)
      if (received.length < end) return
      const verdict = read(received.subarray(2, end), waiter.question, id, true)
      received = received.subarray(end)
      if (verdict !== 'foreign') finish(() => waiter.heard(verdict === 'malformed' ? undefined : verdict))
    }
  }

  try {
    const localAddress = local[server.family]
    socket = builtin('net').connect({
      host: server.address,
      port: server.port,
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress })
    })
    socket.on('error', fail)
    socket.on('data', receive)
    socket.on('close', () => fail(new Error('the connection was closed before the answer was there')))
    socket.write(framed(withId(waiter.question, id)))
  } catch (error) {
    // Whoever refuses a socket here (a closed context) is heard once there is someone to hear.
    process.nextTick(fail, error as Error)
  }
  // No other question comes this way.
  return { distrust() {}, close: () => finish(() => undefined) }
}

function framed(packet: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(packet.length)
  return Buffer.concat([length, packet])
}
