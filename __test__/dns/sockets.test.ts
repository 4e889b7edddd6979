/** Which sockets questions are asked from, and how long those live. */
import { AsyncLocalStorage } from 'node:async_hooks'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDns } from '../../lib/dns/dns.ts'
import { randomId } from '../../lib/dns/lazy.ts'
import { Settings } from '../../lib/dns/settings.ts'
import { ANSWER, resolver, settled, sockets } from './asking.ts'
import { NOWHERE } from './files.ts'
import { a, nameServer, type Say } from './name-server.ts'

// Whose time is turned by hand below.
vi.mock('../../lib/clock.ts', () => ({
  setImmediate,
  setTimeout: (...args: Parameters<typeof setTimeout>) => globalThis.setTimeout(...args),
  monotonic: () => globalThis.performance.now()
}))

describe('sockets', () => {
  it('are gone when nothing is under way, however it ended', async () => {
    await using good = await nameServer(() => ANSWER)
    await using silent = await nameServer(() => undefined)
    await settled()
    const before = sockets()
    const made = resolver([good.address])
    await Promise.all(Array.from({ length: 100 }, () => made.resolve4('x.test')))
    await resolver([silent.address], { timeout: 5, tries: 2 })
      .resolve4('x.test')
      .catch(() => undefined)
    const cancelled = resolver([silent.address])
    const ended = cancelled.resolve4('x.test').catch(() => undefined)
    cancelled.cancel()
    await ended
    await settled()
    expect(sockets()).toBe(before)
  })

  it('are one per query, when queries follow each other', async () => {
    await using server = await nameServer(() => ANSWER)
    const made = resolver([server.address])
    for (let count = 0; count < 20; count += 1) await made.resolve4('x.test')
    expect(new Set(server.asked.map(({ port }) => port)).size).toBeGreaterThan(10)
  })

  it('are shared in flight, with ids of their own, by no more queries than the bound', async () => {
    await using server = await nameServer(() => ANSWER)
    const made = resolver([server.address])
    // Never fewer than one in flight, so that no socket is closed for want of questions.
    const worker = async (): Promise<void> => {
      for (let count = 0; count < 40; count += 1) await made.resolve4('x.test')
    }
    await Promise.all(Array.from({ length: 20 }, worker))
    const ports = new Map<number, number>()
    for (const { port } of server.asked) ports.set(port, (ports.get(port) ?? 0) + 1)
    expect(server.asked.length).toBe(800)
    expect(ports.size).toBeGreaterThanOrEqual(4)
    for (const questions of ports.values()) expect(questions).toBeLessThanOrEqual(256)
  })

  it('are those that the last questions had, for what is asked upon answers that came together', async () => {
    const waiting: (() => void)[] = []
    await using server = await nameServer(
      () =>
        new Promise<Say>((resolve) => {
          waiting.push(() => resolve(ANSWER))
          if (waiting.length % 5 === 0) for (const answer of waiting) answer()
        })
    )
    const made = resolver([server.address])
    const worker = async (): Promise<void> => {
      for (let count = 0; count < 10; count += 1) await made.resolve4('x.test')
    }
    await Promise.all(Array.from({ length: 5 }, worker))
    expect(server.asked).toHaveLength(50)
    expect(new Set(server.asked.map(({ port }) => port)).size).toBe(1)
  })

  it('are one per query again, when those that were in flight at once are answered', async () => {
    await using server = await nameServer(() => ANSWER)
    const made = resolver([server.address])
    await Promise.all([made.resolve4('x.test'), made.resolve4('x.test')])
    for (let count = 0; count < 20; count += 1) await made.resolve4('x.test')
    expect(new Set(server.asked.map(({ port }) => port)).size).toBeGreaterThan(10)
  })

  it('are never shared between networks, nor when the network is not known', async () => {
    await using server = await nameServer(() => ANSWER)
    const here = new AsyncLocalStorage<string>()
    const made = resolver([server.address], {}, { ...NOWHERE, network: () => here.getStore() })
    const ask = (network: string | undefined) => here.run(network as string, () => made.resolve4('x.test'))
    await Promise.all([ask('red'), ask('blue'), ask('red'), ask(undefined), ask(undefined)])
    const ports = server.asked.map(({ port }) => port)
    expect(new Set(ports).size).toBeGreaterThanOrEqual(4)
  })
})

describe('an id', () => {
  it('of a question that went over to TCP may be that of another by then', async () => {
    let connected: (say: Say) => void = () => undefined
    let answered: (say: Say) => void = () => undefined
    await using server = await nameServer(({ name, transport }) => {
      if (name === 'silent.test') return undefined
      if (name === 'other.test') return new Promise<Say>((resolve) => (answered = resolve))
      return transport === 'udp' ? { truncated: true } : new Promise<Say>((resolve) => (connected = resolve))
    })
    const made = resolver([server.address], { timeout: 1_000_000, tries: 1 })
    // Keeps the socket open.
    const silent = made.resolve4('silent.test').catch((error) => error.code)
    const random = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
      ;(array as unknown as Uint16Array).fill(7)
      return array
    })
    try {
      while (randomId() !== 7 || random.mock.calls.length === 0);
      const one = made.resolve4('x.test')
      while (server.asked.length < 3) await turn()
      const other = made.resolve4('other.test')
      while (server.asked.length < 4) await turn()
      connected(ANSWER)
      expect(await one).toEqual(['192.0.2.1'])
      answered({ answers: [a('other.test', '192.0.2.2')] })
      expect(await other).toEqual(['192.0.2.2'])
    } finally {
      random.mockRestore()
    }
    made.cancel()
    expect(await silent).toBe('ECANCELLED')
  })
})

describe('a spare socket', () => {
  const made: dgram.Socket[] = []
  const { createSocket } = dgram

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    made.length = 0
    dgram.createSocket = ((options: dgram.SocketOptions | dgram.SocketType) => {
      const socket = createSocket(options as dgram.SocketOptions)
      // The server's own is of a type alone.
      if (typeof options === 'object') made.push(socket)
      return socket
    }) as typeof createSocket
  })
  afterEach(() => {
    dgram.createSocket = createSocket
    vi.useRealTimers()
  })

  /** Two questions that follow each other, behind the second of which its socket stays open. */
  async function askTwice(settings: Settings, server: string) {
    const asking = new (createDns(settings).promises.Resolver)()
    asking.setServers([server])
    await asking.resolve4('x.test')
    await asking.resolve4('x.test')
    expect(made).toHaveLength(2)
    const spare = made[1] as dgram.Socket
    return { asking, spare, port: spare.address().port }
  }

  it('is that of the last question with another port, from which the next one goes out', async () => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { asking, port } = await askTwice(settings, server.address)
    expect(server.asked.map((asked) => asked.port)).not.toContain(port)
    await asking.resolve4('x.test')
    expect(server.asked.at(-1)?.port).toBe(port)
    expect(made).toHaveLength(2)
    settings.spare.close()
  })

  it('has a port for no more than one question', async () => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { asking } = await askTwice(settings, server.address)
    for (let count = 0; count < 20; count += 1) await asking.resolve4('x.test')
    const ports = server.asked.map((asked) => asked.port)
    expect(ports.filter((port, index) => port === ports[index + 1])).toEqual([])
    expect(made).toHaveLength(2)
    settings.spare.close()
  })

  it('is one that several were asked from at once, too', async () => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { asking, port } = await askTwice(settings, server.address)
    await Promise.all([asking.resolve4('x.test'), asking.resolve4('x.test')])
    await turn()
    await asking.resolve4('x.test')
    const ports = server.asked.map((asked) => asked.port)
    expect(ports.slice(2, 4)).toEqual([port, port])
    expect(ports[4]).not.toBe(port)
    expect(made).toHaveLength(2)
    settings.spare.close()
  })

  it.each([
    [
      'leaves it the port it had',
      (socket: dgram.Socket, port: number) => {
        socket.address = () => ({ address: '127.0.0.1', family: 'IPv4', port })
      }
    ],
    [
      'has no other port',
      (socket: dgram.Socket) => {
        socket.connect = () => undefined
      }
    ],
    [
      'refuses',
      (socket: dgram.Socket) => {
        socket.disconnect = () => {
          throw new Error('EINVAL')
        }
      }
    ]
  ])('is none, where the kernel %s', async (_, refuse) => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { asking, spare, port } = await askTwice(settings, server.address)
    refuse(spare, port)
    const closed = once(spare, 'close')
    await asking.resolve4('x.test')
    await closed
    await asking.resolve4('x.test')
    expect(made).toHaveLength(3)
    expect(new Set(server.asked.map((asked) => asked.port)).size).toBe(4)
    settings.spare.close()
  })

  it('keeps no process alive', async () => {
    await using server = await nameServer(() => ANSWER)
    await settled()
    const before = sockets()
    const settings = new Settings(NOWHERE)
    const { spare } = await askTwice(settings, server.address)
    await settled()
    expect(sockets()).toBe(before)
    settings.spare.close()
    expect(() => spare.address()).toThrow()
  })

  it('is closed when no question comes', async () => {
    await using server = await nameServer(() => ANSWER)
    const { spare } = await askTwice(new Settings(NOWHERE), server.address)
    const closed = once(spare, 'close')
    vi.advanceTimersByTime(1000)
    await closed
  })

  it('is closed when no question comes that it is for, though others do', async () => {
    await using server = await nameServer(() => ANSWER)
    await using other = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { spare } = await askTwice(settings, server.address)
    const closed = once(spare, 'close')
    const elsewhere = new (createDns(settings).promises.Resolver)()
    elsewhere.setServers([other.address])
    for (let count = 0; count < 6; count += 1) {
      await elsewhere.resolve4('x.test')
      vi.advanceTimersByTime(50)
    }
    await closed
    settings.spare.close()
  })

  it('stays bound to the address that questions are to come from', async () => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const asking = new (createDns(settings).promises.Resolver)()
    asking.setServers([server.address])
    asking.setLocalAddress('127.0.0.2')
    for (let count = 0; count < 4; count += 1) await asking.resolve4('x.test')
    expect(made).toHaveLength(2)
    expect(made[1]?.address().address).toBe('127.0.0.2')
    expect(new Set(server.asked.map((asked) => asked.port)).size).toBe(4)
    settings.spare.close()
  })

  it('is not kept for questions that are far apart', async () => {
    await using server = await nameServer(() => ANSWER)
    const asking = resolver([server.address])
    for (let count = 0; count < 3; count += 1) {
      await asking.resolve4('x.test')
      vi.advanceTimersByTime(1000)
      await turn()
    }
    expect(made).toHaveLength(3)
  })

  it('is for its network, its server and its address alone', async () => {
    await using server = await nameServer(() => ANSWER)
    await using other = await nameServer(() => ANSWER)
    let network: unknown = 'red'
    const settings = new Settings({ ...NOWHERE, network: () => network })
    const { asking, port } = await askTwice(settings, server.address)
    for (const elsewhere of ['blue', undefined]) {
      network = elsewhere
      await asking.resolve4('x.test')
    }
    network = 'red'
    asking.setServers([other.address])
    await asking.resolve4('x.test')
    const bound = new (createDns(settings).promises.Resolver)()
    bound.setServers([server.address])
    bound.setLocalAddress('127.0.0.2')
    await bound.resolve4('x.test')
    const ports = [...server.asked, ...other.asked].map((asked) => asked.port)
    expect(ports).toHaveLength(6)
    expect(ports).not.toContain(port)
    settings.spare.close()
  })

  it('is not kept where the network is another by then', async () => {
    await using server = await nameServer(() => ANSWER)
    const answers: unknown[] = ['red', 'red', 'blue']
    const settings = new Settings({ ...NOWHERE, network: () => answers.shift() })
    const asking = new (createDns(settings).promises.Resolver)()
    asking.setServers([server.address])
    await asking.resolve4('x.test')
    await asking.resolve4('x.test')
    await turn()
    expect(answers).toEqual([])
    expect(made).toHaveLength(2)
  })
})
