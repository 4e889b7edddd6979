/** A small name server on loopback, by UDP and TCP on one port, that answers as each test says. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import net, { type AddressInfo } from 'node:net'

const packet = createRequire(import.meta.url)('dns-packet') as {
  encode(message: object): Buffer
}

/** What was asked, and by what. */
export interface Asked {
  readonly name: string
  readonly type: number
  readonly transport: 'udp' | 'tcp'
  readonly packet: Buffer
  readonly port: number
}

/** What to answer: records of dns-packet, whole packets, or nothing. */
export interface Say {
  readonly rcode?: number
  readonly truncated?: boolean
  /** That the server neither knows nor asks others. */
  readonly referral?: boolean
  readonly answers?: readonly object[]
  /** Sent as they are, in this order, instead of an answer. */
  readonly packets?: readonly Buffer[]
}

/** Decides what to answer. */
export type Answering = (asked: Asked) => Say | undefined | Promise<Say | undefined>

/** A running server. */
export interface NameServer extends AsyncDisposable {
  readonly port: number
  /** In the form of `setServers`. */
  readonly address: string
  readonly asked: Asked[]
  answering: Answering
}

/** Starts one. */
export async function nameServer(answering: Answering, host = '127.0.0.1'): Promise<NameServer> {
  const type = host.includes(':') ? 'udp6' : 'udp4'
  const { tcp, udp, port } = await listening(type, host)
  const asked: Asked[] = []
  const server: NameServer = {
    port,
    address: type === 'udp6' ? `[${host}]:${port}` : `${host}:${port}`,
    asked,
    answering,
    async [Symbol.asyncDispose]() {
      udp.close()
      tcp.close()
    }
  }
  const answer = async (query: Asked): Promise<readonly Buffer[]> => {
    asked.push(query)
    const say = await server.answering(query)
    return say === undefined ? [] : (say.packets ?? [reply(query.packet, say)])
  }
  udp.on('message', async (bytes, from) => {
    const query = { ...question(bytes), transport: 'udp', packet: bytes, port: from.port } as const
    for (const each of await answer(query)) udp.send(each, from.port, from.address)
  })
  tcp.on('connection', (socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('data', async (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const bytes = received.subarray(2)
      received = Buffer.alloc(0)
      const query = { ...question(bytes), transport: 'tcp', packet: bytes, port: socket.remotePort ?? 0 } as const
      for (const each of await answer(query))
        socket.write(Buffer.concat([Buffer.of(each.length >> 8, each.length), each]))
    })
  })
  return server
}

/** One port by both. It may be in use by UDP, as tests that run beside this one ask from many. */
async function listening(type: dgram.SocketType, host: string) {
  for (;;) {
    const tcp = net.createServer()
    tcp.listen(0, host)
    await once(tcp, 'listening')
    const { port } = tcp.address() as AddressInfo
    const udp = dgram.createSocket(type)
    try {
      udp.bind(port, host)
      await once(udp, 'listening')
      return { tcp, udp, port }
    } catch (error) {
      udp.close()
      tcp.close()
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

/** An answer to a question. */
export function reply(query: Buffer, { rcode = 0, truncated = false, referral = false, answers = [] }: Say): Buffer {
  const { end } = question(query)
  const body = packet.encode({ type: 'response', answers: structuredClone(answers).map(withBuffers) }).subarray(12)
  const header = Buffer.from(query.subarray(0, end))
  header.writeUInt16BE((referral ? 0x8100 : 0x8180) | rcode | (truncated ? 0x200 : 0), 2)
  header.writeUInt16BE(answers.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, body])
}

/** structuredClone makes plain arrays of octets out of Buffers, which dns-packet does not take. */
function withBuffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(withBuffers)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withBuffers(each)]))
}

function question(bytes: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let offset = 12
  for (let length = bytes[offset] ?? 0; length > 0; length = bytes[offset] ?? 0) {
    labels.push(bytes.toString('latin1', offset + 1, offset + 1 + length))
    offset += length + 1
  }
  return { name: labels.join('.'), type: bytes.readUInt16BE(offset + 1), end: offset + 5 }
}

/** An A record. */
export function a(name: string, data: string, ttl = 60): object {
  return { type: 'A', name, data, ttl }
}

/** An AAAA record. */
export function aaaa(name: string, data: string, ttl = 60): object {
  return { type: 'AAAA', name, data, ttl }
}

/** An alias. */
export function cname(name: string, data: string, ttl = 60): object {
  return { type: 'CNAME', name, data, ttl }
}
