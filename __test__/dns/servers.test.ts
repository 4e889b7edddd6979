/** Which servers a question gets to, and how. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createDns } from '../../lib/dns/dns.ts'
import { ANSWER, resolver } from './asking.ts'
import { Files, NOWHERE } from './files.ts'
import { type Asked, a, nameServer, reply, type Say } from './name-server.ts'

async function unusedPort(): Promise<number> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

describe('a server', () => {
  it('that cannot help is followed by the next', async () => {
    for (const rcode of [2, 4, 5]) {
      await using first = await nameServer(() => ({ rcode }))
      await using second = await nameServer(() => ANSWER)
      expect(await resolver([first.address, second.address]).resolve4('x.test')).toEqual(['192.0.2.1'])
      expect([first.asked.length, second.asked.length]).toEqual([1, 1])
    }
  })

  it('that fails late does not end what the next is asked', async () => {
    let fail: (say: Say) => void = () => undefined
    await using first = await nameServer(() => new Promise<Say>((resolve) => (fail = resolve)))
    await using second = await nameServer(async () => {
      fail({ rcode: 2 })
      for (let turns = 0; turns < 10; turns += 1) await turn()
      return ANSWER
    })
    const made = resolver([first.address, second.address], { timeout: 20, maxTimeout: 20, tries: 100 })
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(first.asked).toHaveLength(1)
  })

  it('that a datagram to is lost is asked again, though another cannot help', async () => {
    for (const isFirst of [true, false]) {
      await using helpless = await nameServer(() => ({ rcode: 5 }))
      await using good = await nameServer(() => (good.asked.length > 1 ? ANSWER : undefined))
      const servers = [helpless.address, good.address]
      const made = resolver(isFirst ? servers : servers.reverse(), { timeout: 20, tries: 2 })
      expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
      expect([helpless.asked.length, good.asked.length]).toEqual([1, 2])
    }
  })

  it('that asks nobody and knows nothing is followed by the next for lookup, and not for resolve, as by c-ares', async () => {
    await using first = await nameServer(() => ({ referral: true }))
    await using second = await nameServer(() => ANSWER)
    using files = new Files()
    files.write('hosts', '')
    files.write(
      'resolv.conf',
      [first, second].map(({ address }) => `nameserver [127.0.0.1]:${address.split(':')[1]}\n`).join('')
    )
    const dns = createDns(files.source())
    expect(await dns.promises.lookup('x.test', 4)).toEqual({ address: '192.0.2.1', family: 4 })
    expect([first.asked.length, second.asked.length]).toEqual([1, 1])
    await expect(dns.promises.resolve4('x.test')).rejects.toMatchObject({ code: 'ENODATA' })
    expect([first.asked.length, second.asked.length]).toEqual([2, 1])
  })

  it('that does not know EDNS is asked without, and by TCP without too', async () => {
    using files = new Files()
    files.write('resolv.conf', 'options edns0\n')
    const additional = ({ packet }: Asked) => packet.readUInt16BE(10)
    await using old = await nameServer((asked) => {
      if (additional(asked) > 0) return { rcode: 1 }
      return asked.transport === 'udp' ? { truncated: true } : ANSWER
    })
    expect(await resolver([old.address], {}, files.source()).resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(old.asked.map((asked) => [asked.transport, additional(asked)])).toEqual([
      ['udp', 1],
      ['udp', 0],
      ['tcp', 0]
    ])
  })

  it('that does not know EDNS, and is slow to say so, is asked without once', async () => {
    using files = new Files()
    files.write('resolv.conf', 'options edns0\n')
    const late: (() => void)[] = []
    await using old = await nameServer(async ({ packet }) => {
      if (packet.readUInt16BE(10) === 0) return ANSWER
      // The second is asked when the time of the first is up.
      await new Promise<void>((resolve) => {
        late.push(resolve)
        if (late.length === 2) for (const answer of late) answer()
      })
      return { rcode: 1 }
    })
    const made = resolver([old.address], { timeout: 20, maxTimeout: 10_000, tries: 2 }, files.source())
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(old.asked.map(({ packet }) => packet.readUInt16BE(10))).toEqual([1, 1, 0])
  })

  it('that says a question is malformed is believed, where it was a plain one', async () => {
    await using first = await nameServer(() => ({ rcode: 1 }))
    await expect(resolver([first.address]).resolve4('x.test')).rejects.toMatchObject({ code: 'EFORMERR' })
    expect(first.asked).toHaveLength(1)
  })

  it('that says a name does not exist is believed', async () => {
    await using first = await nameServer(() => ({ rcode: 3 }))
    await using second = await nameServer(() => ANSWER)
    await expect(resolver([first.address, second.address]).resolve4('x.test')).rejects.toMatchObject({
      code: 'ENOTFOUND'
    })
    expect(second.asked.length).toBe(0)
  })

  it('that cannot help gives its code when no other can either, and is asked once', async () => {
    await using first = await nameServer(() => ({ rcode: 5 }))
    await using second = await nameServer(() => ({ rcode: 2 }))
    await expect(resolver([first.address, second.address]).resolve4('x.test')).rejects.toMatchObject({
      code: 'EREFUSED'
    })
    expect([first.asked.length, second.asked.length]).toEqual([1, 1])
  })

  it('that is not there is followed by the next at once, and is ECONNREFUSED if there is none', async () => {
    const gone = `127.0.0.1:${await unusedPort()}`
    await using second = await nameServer(() => ANSWER)
    const patient = { timeout: 1_000_000, tries: 2 }
    expect(await resolver([gone, second.address], patient).resolve4('x.test')).toEqual(['192.0.2.1'])
    await expect(resolver([gone], patient).resolve4('x.test')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
      syscall: 'queryA',
      hostname: 'x.test'
    })
  })

  it('that is not there is known not to be by every question that is asked at once', async () => {
    const made = resolver([`127.0.0.1:${await unusedPort()}`], { timeout: 1_000_000, tries: 2 })
    const asked = [
      made.resolve4('x.test'),
      made.resolve6('x.test'),
      made.resolveMx('x.test'),
      made.resolveTxt('x.test')
    ]
    const refused = (await Promise.allSettled(asked)).map((each) => each.status === 'rejected' && each.reason.code)
    expect(refused).toEqual(asked.map(() => 'ECONNREFUSED'))
  })

  it('that is silent is asked as often as tries say, each time with another id', async () => {
    await using silent = await nameServer(() => undefined)
    await expect(resolver([silent.address], { timeout: 20, tries: 3 }).resolve4('x.test')).rejects.toMatchObject({
      code: 'ETIMEOUT'
    })
    expect(silent.asked.length).toBe(3)
    expect(new Set(silent.asked.map(({ packet }) => packet.readUInt16BE(0))).size).toBeGreaterThan(1)
  })

  it('that answers the first try during the second is heard', async () => {
    let late: ((say: Say) => void) | undefined
    await using slow = await nameServer(() => {
      if (late === undefined) return new Promise<Say>((resolve) => (late = resolve))
      late(ANSWER)
      return undefined
    })
    expect(await resolver([slow.address], { timeout: 30, tries: 2 }).resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(slow.asked.length).toBe(2)
  })

  it('is waited for no longer than maxTimeout', async () => {
    await using silent = await nameServer(() => undefined)
    const options = { timeout: 1_000_000, maxTimeout: 20, tries: 3 }
    await expect(resolver([silent.address], options).resolve4('x.test')).rejects.toMatchObject({ code: 'ETIMEOUT' })
    expect(silent.asked.length).toBe(3)
  })

  it('belongs to one resolver, and two ask two at once', async () => {
    await using first = await nameServer(() => ({ answers: [a('x.test', '192.0.2.1')] }))
    await using second = await nameServer(() => ({ answers: [a('x.test', '192.0.2.2')] }))
    const dns = createDns(NOWHERE)
    const [one, other] = [new dns.promises.Resolver(), new dns.promises.Resolver()]
    one.setServers([first.address])
    other.setServers([second.address])
    expect(await Promise.all([one.resolve4('x.test'), other.resolve4('x.test'), one.resolve4('x.test')])).toEqual([
      ['192.0.2.1'],
      ['192.0.2.2'],
      ['192.0.2.1']
    ])
  })

  it('of IPv6 is asked by IPv6', async () => {
    await using server = await nameServer(() => ANSWER, '::1')
    expect(await resolver([server.address]).resolve4('x.test')).toEqual(['192.0.2.1'])
  })

  it('is asked from the local address that is set', async () => {
    let from = ''
    const socket = dgram.createSocket('udp4')
    socket.on('message', (packet, peer) => {
      from = peer.address
      socket.send(reply(packet, ANSWER), peer.port, peer.address)
    })
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const made = resolver([`127.0.0.1:${socket.address().port}`])
    made.setLocalAddress('127.0.0.9')
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(from).toBe('127.0.0.9')
    socket.close()
  })
})

describe('what is cut off', () => {
  it('is asked again by TCP', async () => {
    const answers = Array.from({ length: 2500 }, (_, index) => a('x.test', `10.0.${index >> 8}.${index & 255}`))
    await using server = await nameServer(({ transport }) => (transport === 'udp' ? { truncated: true } : { answers }))
    expect(await resolver([server.address]).resolve4('x.test')).toHaveLength(2500)
    expect(server.asked.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  it('is all there is when it is so by TCP, too', async () => {
    await using server = await nameServer(() => ({ ...ANSWER, truncated: true }))
    expect(await resolver([server.address]).resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(server.asked.map(({ transport }) => transport)).toEqual(['udp', 'tcp'])
  })

  it('goes to the next server when TCP fails', async () => {
    const udp = dgram.createSocket('udp4')
    udp.on('message', (packet, peer) => udp.send(reply(packet, { truncated: true }), peer.port, peer.address))
    udp.bind(0, '127.0.0.1')
    await once(udp, 'listening')
    await using second = await nameServer(() => ANSWER)
    const made = resolver([`127.0.0.1:${udp.address().port}`, second.address])
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
    udp.close()
  })

  it('is asked by TCP only with use-vc', async () => {
    using files = new Files()
    files.write('resolv.conf', 'options use-vc\n')
    await using server = await nameServer(() => ANSWER)
    const made = resolver([server.address], {}, files.source())
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(server.asked.map(({ transport }) => transport)).toEqual(['tcp'])
  })
})
