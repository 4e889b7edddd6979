/** Which sockets questions are asked from, and how long those live. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { randomId } from '../../lib/dns/lazy.ts'
import { ANSWER, resolver, settled, sockets } from './asking.ts'
import { NOWHERE } from './files.ts'
import { Sockets } from './made-sockets.ts'
import { a, nameServer, type Say } from './name-server.ts'

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

  it('are asked from no more once a question was not answered in time', async () => {
    await using server = await nameServer(({ name }) => (name === 'good.test' ? ANSWER : undefined))
    const made = resolver([server.address], { timeout: 20, tries: 3 })
    const codes = ['x.test', 'y.test'].map((name) => made.resolve4(name).catch((error) => error.code))
    expect(await Promise.all(codes)).toEqual(['ETIMEOUT', 'ETIMEOUT'])
    for (const one of ['x.test', 'y.test']) {
      const ports = server.asked.filter(({ name }) => name === one).map(({ port }) => port)
      expect(ports).toHaveLength(3)
      expect(new Set(ports).size).toBe(3)
    }
  })

  it('that a datagram is refused from fail nobody but who sent it', async () => {
    await using server = await nameServer(() => ANSWER)
    using made = new Sockets()
    made.refuse = (count) => (count === 3 ? 'EPERM' : undefined)
    const asking = resolver([server.address], { timeout: 1_000_000, tries: 1 })
    const codes = Array.from({ length: 5 }, () => asking.resolve4('x.test').catch((error) => error.code))
    expect(await Promise.all(codes)).toEqual([
      ['192.0.2.1'],
      ['192.0.2.1'],
      'ECONNREFUSED',
      ['192.0.2.1'],
      ['192.0.2.1']
    ])
    expect(made.all).toHaveLength(1)
  })

  it('that a datagram is refused from are not asked from again', async () => {
    await using server = await nameServer(() => ANSWER)
    using made = new Sockets()
    made.refuse = (count) => (count === 3 ? 'EINVAL' : undefined)
    const asking = resolver([server.address], { timeout: 1_000_000, tries: 2 })
    const found = await Promise.all(Array.from({ length: 5 }, () => asking.resolve4('x.test')))
    expect(found).toEqual(Array.from({ length: 5 }, () => ['192.0.2.1']))
    expect(made.all).toHaveLength(2)
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
