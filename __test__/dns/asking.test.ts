/** How questions are asked, and what may come back. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { execFileSync } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { Line } from '../../lib/dns/deadlines.ts'
import { createDns } from '../../lib/dns/dns.ts'
import { ANSWER, resolver } from './asking.ts'
import { Files, NOWHERE } from './files.ts'
import { type Asked, a, nameServer, reply, type Say } from './name-server.ts'

describe('a deadline', () => {
  it('is reached after what came in time is heard, however late the event loop looks', async () => {
    const said: string[] = []
    const socket = dgram.createSocket('udp4').on('message', () => said.push('answer'))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    socket.connect(socket.address().port, '127.0.0.1')
    await once(socket, 'connect')
    const reached = new Promise<void>((expire) => Line.of(5).set({ expire }))
    const over = reached.then(() => said.push('deadline'))
    socket.send('x')
    for (const start = performance.now(); performance.now() < start + 20; );
    await over
    socket.close()
    expect(said).toEqual(['answer', 'deadline'])
  })
})

describe('a question', () => {
  it('says what it can take with edns0 and trust-ad, and is matched all the same', async () => {
    using files = new Files()
    files.write('resolv.conf', 'options edns0 trust-ad\n')
    await using server = await nameServer(() => ANSWER)
    expect(await resolver([server.address], {}, files.source()).resolve4('x.test')).toEqual(['192.0.2.1'])
    const packet = server.asked[0]?.packet ?? Buffer.alloc(12)
    expect(packet.readUInt16BE(2)).toBe(0x120)
    // The root, OPT, 1232 octets, no extended code, version or flags, no options.
    expect(packet.subarray(24).toString('hex')).toBe('00002904d0000000000000')
  })

  it('goes to the servers in turn with rotate', async () => {
    using files = new Files()
    files.write('resolv.conf', 'options rotate\n')
    await using first = await nameServer(() => ANSWER)
    await using second = await nameServer(() => ANSWER)
    const made = resolver([first.address, second.address], {}, files.source())
    for (let count = 0; count < 4; count += 1) await made.resolve4('x.test')
    expect([first.asked.length, second.asked.length]).toEqual([2, 2])
  })

  it('keeps the process alive until it is answered, and no longer', () => {
    const script = `
      import dgram from 'node:dgram'
      import { createDns } from '${new URL('../../lib/dns/dns.ts', import.meta.url)}'
      const silent = dgram.createSocket('udp4').unref()
      silent.bind(0, '127.0.0.1', () => {
        const dns = createDns({ resolvConf: [], hosts: [] })
        dns.setServers(['127.0.0.1:' + silent.address().port])
        const resolver = new dns.Resolver({ timeout: 50, tries: 2 })
        resolver.setServers(dns.getServers())
        resolver.resolve4('x.test', (error) => console.log(error.code))
      })
    `
    const args = ['--import', 'tsx', '--input-type=module', '-e', script]
    expect(execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 30_000 })).toBe('ETIMEOUT\n')
  })
})

describe('a packet that does not belong to the question', () => {
  const forged = (query: Buffer, change: (packet: Buffer) => void): Buffer => {
    const packet = reply(query, { answers: [a('x.test', '6.6.6.6')] })
    change(packet)
    return packet
  }
  const FORGERIES: Record<string, (packet: Buffer) => void> = {
    'another id': (packet) => packet.writeUInt16BE(packet.readUInt16BE(0) ^ 1),
    'a question': (packet) => packet.writeUInt8(packet.readUInt8(2) & 0x7f, 2),
    'another name': (packet) => packet.write('y', 13),
    'another type': (packet) => packet.writeUInt16BE(28, 12 + 8),
    'another class': (packet) => packet.writeUInt16BE(3, 12 + 10),
    'no question': (packet) => packet.writeUInt16BE(0, 4),
    'two questions': (packet) => packet.writeUInt16BE(2, 4),
    'another kind of message': (packet) => packet.writeUInt8(packet.readUInt8(2) | 0x28, 2)
  }
  it.each(Object.entries(FORGERIES))('is not listened to: %s', async (_, change) => {
    const say = ({ packet }: Asked): Say => ({ packets: [forged(packet, change), reply(packet, ANSWER)] })
    await using server = await nameServer(say)
    expect(await resolver([server.address]).resolve4('x.test')).toEqual(['192.0.2.1'])
    server.answering = ({ packet }) => ({ packets: [forged(packet, change)] })
    const once = resolver([server.address], { timeout: 20, tries: 1 })
    await expect(once.resolve4('x.test')).rejects.toMatchObject({ code: 'ETIMEOUT' })
  })

  it('is not listened to when it comes from elsewhere', async () => {
    const other = dgram.createSocket('udp4')
    await using server = await nameServer(
      ({ packet, port }) =>
        new Promise((resolve) => {
          const answer = forged(packet, () => undefined)
          other.send(answer, port, '127.0.0.1', () => resolve({ packets: [reply(packet, ANSWER)] }))
        })
    )
    expect(await resolver([server.address]).resolve4('x.test')).toEqual(['192.0.2.1'])
    other.close()
  })

  it('is taken in another case of letters', async () => {
    await using server = await nameServer(({ packet }) => ({
      packets: [forged(packet, (it) => it.write('X', 13)), reply(packet, ANSWER)]
    }))
    expect(await resolver([server.address]).resolve4('x.test')).toEqual(['6.6.6.6'])
  })
})

describe('an answer that is broken', () => {
  it('is EBADRESP', async () => {
    const broken = (packet: Buffer): Buffer => {
      const bytes = reply(packet, ANSWER)
      bytes.writeUInt16LE(2, 6)
      return bytes
    }
    await using server = await nameServer(({ packet }) => ({ packets: [broken(packet)] }))
    await expect(resolver([server.address]).resolveAny('x.test')).rejects.toMatchObject({ code: 'EBADRESP' })
    await using second = await nameServer(() => ANSWER)
    expect(await resolver([server.address, second.address]).resolve4('x.test')).toEqual(['192.0.2.1'])
  })
})

describe('what has come in', () => {
  it('is under way no more, though nobody was told of it yet', async () => {
    const packets: Buffer[] = []
    // Both answers come with the second question.
    await using server = await nameServer((asked) => {
      packets.push(reply(asked.packet, ANSWER))
      return packets.length === 2 ? { packets } : undefined
    })
    const made = new (createDns(NOWHERE).Resolver)()
    made.setServers([server.address])
    const told: unknown[] = []
    const ask = (then = () => {}) =>
      new Promise<void>((resolve) => {
        made.resolve4('x.test', (error, addresses) => {
          told.push(error ?? addresses[0])
          then()
          resolve()
        })
      })
    await Promise.all([ask(() => made.setServers(['127.0.0.9'])), ask()])
    expect(told).toEqual(['192.0.2.1', '192.0.2.1'])
    expect(made.getServers()).toEqual(['127.0.0.9'])
  })
})

describe('cancel', () => {
  it('ends every query under way, once, later', async () => {
    await using silent = await nameServer(() => undefined)
    const made = resolver([silent.address])
    const queries = [made.resolve4('x.test'), made.resolveMx('y.test'), made.reverse('192.0.2.1')]
    const ended = Promise.allSettled(queries)
    made.cancel()
    made.cancel()
    const codes = (await ended).map((each) => (each.status === 'rejected' ? each.reason.code : each.value))
    expect(codes).toEqual(['ECANCELLED', 'ECANCELLED', 'ECANCELLED'])
  })

  it('leaves the resolver usable', async () => {
    await using server = await nameServer(() => undefined)
    const made = resolver([server.address])
    const ended = made.resolve4('x.test').catch((error) => error.code)
    made.cancel()
    expect(await ended).toBe('ECANCELLED')
    server.answering = () => ANSWER
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
  })

  it('lets servers be set at once', async () => {
    await using silent = await nameServer(() => undefined)
    await using server = await nameServer(() => ANSWER)
    const made = resolver([silent.address])
    const ended = made.resolve4('x.test').catch((error) => error.code)
    made.cancel()
    made.setServers([server.address])
    expect(await ended).toBe('ECANCELLED')
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
  })
})

describe('the async context', () => {
  it('is the one that asked, in callbacks, after retries and on shared sockets', async () => {
    let count = 0
    await using server = await nameServer(() => (count++ % 2 === 0 ? undefined : ANSWER))
    const dns = createDns(NOWHERE)
    const made = new dns.Resolver({ timeout: 20, tries: 10 })
    made.setServers([server.address])
    const context = new AsyncLocalStorage<number>()
    const seen = Array.from(
      { length: 10 },
      (_, index) =>
        new Promise((resolve) => context.run(index, () => made.resolve4('x.test', () => resolve(context.getStore()))))
    )
    expect(await Promise.all(seen)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

describe('an error of ours', () => {
  const refuse = (): never => {
    throw Object.assign(new Error('closed'), { code: 'ERR_NETNS_CLOSED' })
  }

  it.each(['connect', 'send'] as const)('in %s ends a query at once with its code', async (method) => {
    await using server = await nameServer(() => ANSWER)
    using files = new Files()
    files.write('resolv.conf', `nameserver [127.0.0.1]:${server.port}\n`)
    const dns = createDns(files.source())
    const original = dgram.Socket.prototype[method]
    dgram.Socket.prototype[method] = refuse
    try {
      const error = { code: 'ERR_NETNS_CLOSED', syscall: 'queryA' }
      await expect(dns.promises.resolve4('x.test')).rejects.toMatchObject(error)
      await expect(dns.promises.lookup('x.test')).rejects.toMatchObject({ code: 'ERR_NETNS_CLOSED' })
    } finally {
      dgram.Socket.prototype[method] = original as never
    }
    expect(await dns.promises.resolve4('x.test')).toEqual(['192.0.2.1'])
  })

  it('in a later try ends it too, and the process goes on', async () => {
    await using silent = await nameServer(() => undefined)
    const made = resolver([silent.address], { timeout: 30, tries: 4 }, { ...NOWHERE, network: () => undefined })
    const asked = made.resolve4('x.test')
    const { createSocket } = dgram
    try {
      dgram.createSocket = refuse
      await expect(asked).rejects.toMatchObject({ code: 'ERR_NETNS_CLOSED' })
    } finally {
      dgram.createSocket = createSocket
    }
  })
})
