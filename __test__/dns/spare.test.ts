/** The socket that is kept for the next question. */
import type dgram from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createDns } from '../../lib/dns/dns.ts'
import { Settings } from '../../lib/dns/settings.ts'
import { ANSWER, sockets as open, resolver, settled } from './asking.ts'
import { NOWHERE } from './files.ts'
import { Sockets } from './made-sockets.ts'
import { nameServer } from './name-server.ts'

// Whose time is turned by hand below.
vi.mock('../../lib/clock.ts', () => ({
  setImmediate,
  setTimeout: (...args: Parameters<typeof setTimeout>) => globalThis.setTimeout(...args),
  monotonic: () => globalThis.performance.now()
}))

describe('a spare socket', () => {
  let sockets: Sockets
  let made: dgram.Socket[]

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
    sockets = new Sockets()
    made = sockets.all
  })
  afterEach(() => {
    sockets[Symbol.dispose]()
    vi.useRealTimers()
  })

  /** Two questions that follow each other, behind the second of which its socket stays open. */
  async function askTwice(settings: Settings, server: string) {
    const asking = new (createDns(settings).promises.Resolver)()
    asking.setServers([server])
    await asking.resolve4('x.test')
    await asking.resolve4('x.test')
    expect(made).toHaveLength(2)
    return { asking, spare: made[1] as dgram.Socket }
  }

  it('is that of the last question, from which the next one goes out, with another port', async () => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { asking } = await askTwice(settings, server.address)
    await asking.resolve4('x.test')
    expect(new Set(server.asked.map((asked) => asked.port)).size).toBe(3)
    expect(made).toHaveLength(2)
    settings.spare.close()
  })

  it('has no port, address or peer while it waits, as those it had may be gone by the next question', async () => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { spare } = await askTwice(settings, server.address)
    expect(spare.address()).toMatchObject({ address: '0.0.0.0', port: 0 })
    expect(() => spare.remoteAddress()).toThrow()
    settings.spare.close()
  })

  it('fails no question by what came of the one before', async () => {
    await using server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { asking } = await askTwice(settings, server.address)
    // An ICMP error that came for the port it had.
    sockets.refuse = (count) => (count === 3 ? 'ECONNREFUSED' : undefined)
    expect(await asking.resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(made).toHaveLength(2)
    settings.spare.close()
  })

  it('tells of a server that is not there any more, all the same', async () => {
    const server = await nameServer(() => ANSWER)
    const settings = new Settings(NOWHERE)
    const { asking } = await askTwice(settings, server.address)
    await server[Symbol.asyncDispose]()
    await expect(asking.resolve4('x.test')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
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
    const { asking } = await askTwice(settings, server.address)
    await Promise.all([asking.resolve4('x.test'), asking.resolve4('x.test')])
    await turn()
    await asking.resolve4('x.test')
    const ports = server.asked.map((asked) => asked.port)
    expect(ports[3]).toBe(ports[2])
    expect(new Set(ports).size).toBe(4)
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
    const { asking, spare } = await askTwice(settings, server.address)
    refuse(spare, server.asked.at(-1)?.port as number)
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
    const before = open()
    const settings = new Settings(NOWHERE)
    const { spare } = await askTwice(settings, server.address)
    await settled()
    expect(open()).toBe(before)
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
    const { asking, spare } = await askTwice(settings, server.address)
    const bound = new (createDns(settings).promises.Resolver)()
    bound.setServers([server.address])
    bound.setLocalAddress('127.0.0.2')
    for (const elsewhere of ['blue', undefined]) {
      network = elsewhere
      await asking.resolve4('x.test')
    }
    network = 'red'
    asking.setServers([other.address])
    await asking.resolve4('x.test')
    await bound.resolve4('x.test')
    expect(made).toHaveLength(6)
    expect(spare.address().port).toBe(0)
    asking.setServers([server.address])
    await asking.resolve4('x.test')
    expect(made).toHaveLength(6)
    settings.spare.close()
  })

  it('is kept in its own network alone, whose end it would not outlive', async () => {
    await using server = await nameServer(() => ANSWER)
    const asking = new (createDns(new Settings({ ...NOWHERE, network: () => 'blue' }, 'red')).promises.Resolver)()
    asking.setServers([server.address])
    for (let count = 0; count < 4; count += 1) await asking.resolve4('x.test')
    expect(made).toHaveLength(4)
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
