/** `lookup` and `lookupService`: search list, families, order, errors. */
import nodeDns from 'node:dns'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { A, BOTH, setUp, zone } from './looking-up.ts'
import { a, aaaa, cname, nameServer, type Say } from './name-server.ts'

describe('families', () => {
  it('are asked for both at once, or one alone', async () => {
    await using at = await setUp(zone(BOTH))
    const all = await at.lookup('x.test', { all: true, order: 'ipv4first' })
    expect(all).toEqual([
      { address: '127.0.0.5', family: 4 },
      { address: '127.0.0.6', family: 4 },
      { address: '::1', family: 6 }
    ])
    expect(at.asked()).toEqual(['x.test A', 'x.test AAAA'])
    expect(await at.lookup('x.test', { family: 6 })).toEqual({ address: '::1', family: 6 })
    expect(await at.lookup('x.test', 4)).toEqual({ address: '127.0.0.5', family: 4 })
    expect(at.asked()).toEqual(['x.test A', 'x.test A', 'x.test AAAA', 'x.test AAAA'])
  })

  it('are one after the other with single-request, and IPv4 alone with no-aaaa', async () => {
    await using one = await setUp(zone(BOTH), 'options single-request')
    let open = 0
    let most = 0
    const { answering } = one.server
    one.server.answering = async (asked) => {
      most = Math.max(most, ++open)
      await new Promise(setImmediate)
      open -= 1
      return answering(asked)
    }
    expect(await one.lookup('x.test', { all: true })).toHaveLength(3)
    expect(most).toBe(1)
    await using four = await setUp(zone(BOTH), 'options no-aaaa')
    expect(await four.lookup('x.test', { all: true })).toHaveLength(2)
    expect(four.asked()).toEqual(['x.test A'])
  })

  it('come in the order that is wanted', async () => {
    await using at = await setUp(zone(BOTH))
    expect((await at.lookup('x.test', { order: 'ipv6first' })).family).toBe(6)
    expect((await at.lookup('x.test', { verbatim: false })).family).toBe(4)
    // RFC 6724: the IPv6 loopback address has the highest precedence.
    expect((await at.lookup('x.test')).family).toBe(6)
    at.dns.setDefaultResultOrder('ipv4first')
    expect(at.dns.getDefaultResultOrder()).toBe('ipv4first')
    expect(at.dns.promises.getDefaultResultOrder()).toBe('ipv4first')
    expect((await at.lookup('x.test')).family).toBe(4)
    expect(nodeDns.getDefaultResultOrder()).toBe('verbatim')
  })

  it('that cannot be reached come last', async () => {
    await using at = await setUp(zone({ 'x.test': [aaaa('x.test', '2001:db8::1'), a('x.test', '127.0.0.1')] }))
    expect((await at.lookup('x.test', { all: true })).map(({ family }) => family)).toEqual([4, 6])
  })

  it('that no interface has are not asked for with ADDRCONFIG', async () => {
    await using at = await setUp(zone(BOTH))
    await at.lookup('x.test', { hints: nodeDns.ADDRCONFIG })
    const usable = new Set(
      Object.values((await import('node:os')).networkInterfaces())
        .flatMap((each) => each ?? [])
        .filter(({ internal }) => !internal)
        .map(({ family }) => (family === 'IPv4' ? 'x.test A' : 'x.test AAAA'))
    )
    expect(at.asked()).toEqual(usable.size === 0 ? ['x.test A', 'x.test AAAA'] : [...usable].sort())
  })

  it('are mapped with V4MAPPED, and joined with ALL', async () => {
    await using at = await setUp(zone({ ...BOTH, 'four.test': [a('four.test', '127.0.0.5')] }))
    const { V4MAPPED, ALL } = nodeDns
    expect(await at.lookup('four.test', { family: 6, hints: V4MAPPED })).toEqual({
      address: '::ffff:127.0.0.5',
      family: 6
    })
    expect(await at.lookup('x.test', { family: 6, hints: V4MAPPED, all: true })).toHaveLength(1)
    expect(await at.lookup('x.test', { family: 6, hints: V4MAPPED | ALL, all: true })).toHaveLength(3)
    await expect(at.lookup('four.test', { family: 6 })).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })
})

describe('the search list', () => {
  const NAMES = {
    'a.one.test': [a('', '127.0.0.1')],
    'b.c.two.test': [a('', '127.0.0.2')],
    'd.e': [a('', '127.0.0.3')]
  }

  it('is used for names with too few dots first, for others last, for absolute ones never', async () => {
    await using at = await setUp(zone(NAMES), 'search one.test two.test')
    const four = { family: 4 } as const
    expect(await at.lookup('a', four)).toMatchObject({ address: '127.0.0.1' })
    expect(await at.lookup('b.c', four)).toMatchObject({ address: '127.0.0.2' })
    expect(await at.lookup('d.e', four)).toMatchObject({ address: '127.0.0.3' })
    await expect(at.lookup('a.', four)).rejects.toMatchObject({ code: 'ENOTFOUND' })
    expect(at.server.asked.map(({ name }) => name)).toEqual([
      'a.one.test',
      'b.c',
      'b.c.one.test',
      'b.c.two.test',
      'd.e',
      'a'
    ])
  })

  it('knows ndots, and the last of search and domain counts', async () => {
    await using at = await setUp(zone(NAMES), 'search one.test\ndomain two.test\noptions ndots:2')
    expect(await at.lookup('b.c', { family: 4 })).toMatchObject({ address: '127.0.0.2' })
    expect(at.server.asked.map(({ name }) => name)).toEqual(['b.c.two.test'])
  })

  it.each([
    ['are silent', undefined, ['x.one.test', 'x']],
    ['refuse', { rcode: 5 }, ['x.one.test', 'x']],
    ['fail', { rcode: 2 }, ['x.one.test', 'x.two.test', 'x.three.test', 'x']],
    ['know no such name', { rcode: 3 }, ['x.one.test', 'x.two.test', 'x.three.test', 'x']]
  ] as [string, Say | undefined, string[]][])('ends as in glibc where servers %s', async (_, say, names) => {
    await using at = await setUp(() => say, 'search one.test two.test three.test\noptions timeout:1 attempts:1')
    await expect(at.lookup('x', { family: 4 })).rejects.toThrow(/EAI_AGAIN|ENOTFOUND/)
    expect(at.server.asked.map(({ name }) => name)).toEqual(names)
  })

  it('is not used by resolve', async () => {
    await using at = await setUp(zone(NAMES), 'search one.test')
    await expect(at.dns.promises.resolve4('a')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })
})

describe('a thousand look-ups at once', () => {
  it('ask no more at once than servers keep, and all are answered', async () => {
    let [now, most] = [0, 0]
    await using at = await setUp(async () => {
      now += 1
      most = Math.max(most, now)
      await turn()
      now -= 1
      return { answers: [a('', '127.0.0.1')] }
    }, 'options timeout:30 attempts:1')
    const names = Array.from({ length: 1000 }, (_, index) => `n${index}.test`)
    await Promise.all(names.map((name) => at.lookup(name, { family: 4 })))
    expect(most).toBeLessThanOrEqual(128)
    expect(at.server.asked.map(({ name }) => name)).toEqual(names)
  })
})

describe('a look-up that fails', () => {
  const FAILURES: [string, Say | undefined, string, number][] = [
    ['no such name', { rcode: 3 }, 'ENOTFOUND', -3008],
    ['no address', {}, 'ENOTFOUND', -3007],
    ['a server that fails', { rcode: 2 }, 'EAI_AGAIN', -3001],
    ['a server that refuses', { rcode: 5 }, 'EAI_AGAIN', -3001],
    ['a chain without an end', { answers: [cname('x.test', 'x.test')] }, 'ENOTFOUND', -3007]
  ]
  it.each(FAILURES)('has the code and the shape that Node gives it: %s', async (_, say, code, errno) => {
    await using at = await setUp(() => say)
    const error = { code, errno, syscall: 'getaddrinfo', hostname: 'x.test', message: `getaddrinfo ${code} x.test` }
    await expect(at.lookup('x.test')).rejects.toMatchObject(error)
    const called = await new Promise<Error | null>((resolve) => at.dns.lookup('x.test', resolve))
    expect(called).toMatchObject(error)
    expect(Object.keys(called as Error)).toEqual(['errno', 'code', 'syscall', 'hostname'])
  })

  it('because servers are silent ends when the configured timeouts have passed', async () => {
    await using at = await setUp(() => undefined, 'options timeout:1 attempts:1')
    await expect(at.lookup('x.test')).rejects.toMatchObject({ code: 'EAI_AGAIN' })
  })

  it('because no attempts are to be made is of look-ups alone, as of libc’s', async () => {
    await using at = await setUp(() => ({ answers: [a('x.test', '127.0.0.5')] }), 'options attempts:0')
    await expect(at.lookup('x.test')).rejects.toMatchObject({ code: 'EAI_AGAIN' })
    expect(at.asked()).toEqual([])
    expect(await at.dns.promises.resolve4('x.test')).toEqual(['127.0.0.5'])
  })

  it.each(['a..b', 'a b', `${'a'.repeat(64)}.test`, '%41', 'x.onion'])('%j is not asked of anyone', async (name) => {
    await using at = await setUp(() => ({ answers: [a('x', '127.0.0.1')] }))
    await expect(at.lookup(name)).rejects.toMatchObject({ code: 'ENOTFOUND', errno: -3008 })
    expect(at.asked()).toEqual([])
  })

  it('because of a NUL in the name fails as a wrong argument where Node has it so', async () => {
    await using at = await setUp(() => ({ answers: [a('x', '127.0.0.1')] }))
    const isWrong = Number.parseInt(process.versions.node, 10) >= 22
    const error = await new Promise((resolve) => resolve(at.lookup('x\0.test'))).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: isWrong ? 'ERR_INVALID_ARG_VALUE' : 'ENOTFOUND' })
    expect(at.asked()).toEqual([])
  })

  it('with one family only still gives the other', async () => {
    await using at = await setUp(({ type }) => (type === A ? { answers: [a('x.test', '127.0.0.1')] } : { rcode: 2 }))
    expect(await at.lookup('x.test', { all: true })).toEqual([{ address: '127.0.0.1', family: 4 }])
  })
})

describe('an alias', () => {
  it('that the server leaves to us is followed', async () => {
    const alias = (to: string) => [cname('', to)]
    await using at = await setUp(
      zone({ 'x.test': alias('y.test'), 'y.test': alias('z.test'), 'z.test': [a('z.test', '127.0.0.3')] })
    )
    expect(await at.lookup('x.test')).toEqual({ address: '127.0.0.3', family: 4 })
  })
})

describe('lookupService', () => {
  const NAMES = { '5.0.0.127.in-addr.arpa': [{ type: 'PTR', name: '', data: 'host.test' }] }

  it('gives host and service, by promise, callback and promisify', async () => {
    await using at = await setUp(
      zone(NAMES),
      '',
      '127.0.0.6 file.test',
      'web 8080/udp\nhttp 80/tcp www # x\nother 80/tcp'
    )
    const { lookupService } = at.dns.promises
    expect(await lookupService('127.0.0.5', 80)).toEqual({ hostname: 'host.test', service: 'http' })
    expect(await lookupService('127.0.0.6', 8080)).toEqual({ hostname: 'file.test', service: '8080' })
    expect(await promisify(at.dns.lookupService)('127.0.0.5', 0)).toEqual({ hostname: 'host.test', service: '0' })
    const called = await new Promise((resolve) => at.dns.lookupService('127.0.0.5', 80, (...args) => resolve(args)))
    expect(called).toEqual([null, 'host.test', 'http'])
  })

  it('fails as getnameinfo does', async () => {
    await using at = await setUp(zone(NAMES))
    const error = { code: 'ENOTFOUND', errno: -3008, syscall: 'getnameinfo' }
    await expect(at.dns.promises.lookupService('127.0.0.9', 80)).rejects.toMatchObject(error)
    const called = await new Promise((resolve) => at.dns.lookupService('127.0.0.9', 80, resolve))
    expect(called).toMatchObject({ ...error, hostname: '127.0.0.9', message: 'getnameinfo ENOTFOUND 127.0.0.9' })
  })
})

describe('callbacks', () => {
  it('come later, once, and what they throw is an uncaught exception', async () => {
    await using at = await setUp(zone(BOTH), '', '127.0.0.1 here')
    let isLater = false
    const address = await new Promise((resolve) => {
      at.dns.lookup('here', (_, found) => resolve(isLater && found))
      isLater = true
    })
    expect(address).toBe('127.0.0.1')
    expect(await promisify(at.dns.lookup)('here')).toEqual({ address: '127.0.0.1', family: 4 })
    expect(await promisify(at.dns.lookup)('here', { all: true })).toEqual([{ address: '127.0.0.1', family: 4 }])
  })
})

describe('the servers of the module', () => {
  it('can be set for both kinds of functions at once, and look-ups keep to resolv.conf', async () => {
    await using at = await setUp(zone(BOTH))
    await using other = await nameServer(() => ({ answers: [a('x.test', '127.0.0.99')] }))
    at.dns.setServers([other.address])
    expect(at.dns.promises.getServers()).toEqual([other.address])
    expect(await at.dns.promises.resolve4('x.test')).toEqual(['127.0.0.99'])
    at.dns.promises.setServers([at.server.address])
    expect(await promisify(at.dns.resolve4)('x.test')).toEqual(['127.0.0.5', '127.0.0.6'])
  })
})
