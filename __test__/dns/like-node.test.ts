/** The same server, the same question: what Node's own resolver gives is what ours gives. */
import nodeDns from 'node:dns'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { both, dns } from './both.ts'
import { a, aaaa, cname, type NameServer, nameServer, type Say } from './name-server.ts'

let server: NameServer

beforeAll(async () => {
  server = await nameServer(() => undefined)
})
afterAll(() => server[Symbol.asyncDispose]())

const mx = { type: 'MX', name: 'x.test', ttl: 3, data: { preference: 7, exchange: 'mail.test' } }
const naptr = {
  type: 'NAPTR',
  name: 'x.test',
  data: { order: 1, preference: 2, flags: 's', services: 'SIP+D2U', regexp: '!^.*$!x!', replacement: 'sip.test' }
}
const soa = (mname: string) => ({
  type: 'SOA',
  name: 'x.test',
  data: { mname, rname: 'first\\.last.test', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 4294967295 }
})
const tlsa = {
  type: 'TLSA',
  name: 'x.test',
  data: { usage: 3, selector: 1, matchingType: 1, certificate: Buffer.from('abcd') }
}
const caa = [
  { type: 'CAA', name: 'x.test', data: { flags: 128, tag: 'issue', value: 'ca.test' } },
  { type: 'CAA', name: 'x.test', data: { flags: 0, tag: 'iodef', value: 'mailto:é' } }
]
const srv = [
  { type: 'SRV', name: 'x.test', data: { priority: 1, weight: 2, port: 3, target: 'srv.test' } },
  { type: 'SRV', name: 'x.test', data: { priority: 1, weight: 2, port: 3, target: '.' } }
]
const txt = [
  { type: 'TXT', name: 'x.test', data: [Buffer.from([0xff, 0xc3, 0xa9, 0, 65]), Buffer.from('b')] },
  { type: 'TXT', name: 'x.test', data: [Buffer.from('')] }
]
const names = [
  { type: 'PTR', name: 'x.test', data: 'p q.test' },
  { type: 'PTR', name: 'x.test', data: 'P"(\\$@;é.test' },
  { type: 'NS', name: 'x.test', data: 'ns\x001.test' },
  { type: 'NS', name: 'x.test', data: '.' }
]
const hinfo = { type: 'HINFO', name: 'x.test', data: { cpu: 'a', os: 'b' } }

const SAYINGS: Record<string, Say> = {
  'no record': {},
  'an address': { answers: [a('x.test', '192.0.2.1')] },
  'addresses of both families': {
    answers: [a('x.test', '192.0.2.1', 9), aaaa('x.test', '2001:db8::1', 2 ** 31), a('x.test', '192.0.2.2', 0)]
  },
  'addresses in every form': {
    answers: ['::ffff:1.2.3.4', '::1', '::', '2001:0:0:1:0:0:0:1', '::1.2.3.4', '1:0:2:3:4:5:6:7'].map((address) =>
      aaaa('x.test', address)
    )
  },
  'an alias': { answers: [cname('x.test', 'y.test', 5), a('y.test', '192.0.2.1', 77)] },
  'an alias alone': { answers: [cname('x.test', 'y.test', 5)] },
  'a chain of aliases': {
    answers: [cname('x.test', 'y.test', 50), cname('y.test', 'z.test', 5), a('z.test', '192.0.2.1', 77)]
  },
  'an alias and both families': {
    answers: [cname('x.test', 'y.test', 5), aaaa('y.test', '2001:db8::1', 9), a('y.test', '192.0.2.1', 77)]
  },
  'an address of another name': { answers: [a('other.test', '192.0.2.9')] },
  'mail servers': { answers: [mx, { ...mx, data: { preference: 0, exchange: '.' } }] },
  'a start of authority': { answers: [soa('ns1.test')] },
  'certification authorities': { answers: caa },
  'naming authority': { answers: [naptr] },
  services: { answers: srv },
  texts: { answers: txt },
  'odd names': { answers: names },
  'a type that Node does not know': { answers: [hinfo] },
  everything: {
    answers: [
      ...txt,
      a('x.test', '192.0.2.1'),
      aaaa('x.test', '2001:db8::1', 9),
      mx,
      ...srv,
      ...names,
      naptr,
      soa('n.t'),
      ...caa
    ]
  },
  certificates: { answers: [tlsa] },
  ...Object.fromEntries([1, 2, 3, 4, 5, 6, 9, 10, 15].map((rcode) => [`code ${rcode}`, { rcode }])),
  'code 3 with an answer': { rcode: 3, answers: [a('x.test', '192.0.2.1')] },
  'code 6 with an answer': { rcode: 6, answers: [a('x.test', '192.0.2.1')] }
}
const METHODS = Object.getOwnPropertyNames(Object.getPrototypeOf(nodeDns.Resolver.prototype)).concat(
  Object.getOwnPropertyNames(nodeDns.Resolver.prototype)
)
const QUESTIONS = METHODS.filter((name) => /^resolve./.test(name))

type Resolver = Record<string, (...args: unknown[]) => Promise<unknown>>

function resolver(from: typeof nodeDns, options: object = { timeout: 10_000, tries: 1 }): Resolver {
  const made = new from.promises.Resolver(options)
  made.setServers([server.address])
  return made as unknown as Resolver
}

describe.each(Object.entries(SAYINGS))('told %s', (_, saying) => {
  it.each(QUESTIONS)('%s gives what Node gives', async (method) => {
    server.answering = () => saying
    await both((from) => resolver(from)[method]?.('x.test'))
  })

  it('gives the time to live when asked', async () => {
    server.answering = () => saying
    await both((from) => resolver(from)['resolve4']?.('x.test', { ttl: true }))
    await both((from) => resolver(from)['resolve6']?.('x.test', { ttl: true }))
  })
})

describe('the names that may be asked', () => {
  const NAMES = ['a..b', `${'a'.repeat(64)}.t`, '', '.', 'a.', 'é.t', 'EXAMPLE.t', 'a b.t', 'a_b.t', '-x.t', '1.2.3.4']
  it.each([...NAMES, '::1', '.a', 'a\\', '%41.t', 'ｅ.t', 'foo.onion', 'localhost', '*.x.t', '0/25.x.t', '@'])(
    '%j is taken, or refused, as by Node',
    async (name) => {
      server.answering = () => ({ answers: [a('x.test', '192.0.2.1')] })
      server.asked.length = 0
      await both((from) => resolver(from)['resolve4']?.(name))
      const asked = server.asked.map((each) => each.name.toLowerCase())
      expect(asked.slice(asked.length / 2)).toEqual(asked.slice(0, asked.length / 2))
    }
  )
})

describe('reverse', () => {
  it.each(['192.0.2.1', '2001:db8::1', '::ffff:1.2.3.4', 'fe80::1%lo', 'x', '1.2.3', ''])(
    '%j as Node',
    async (address) => {
      const pointer = (name: string) => ({ type: 'PTR', name, data: 'host.test' })
      server.answering = ({ name }) => ({ answers: [pointer(name), pointer(name)] })
      server.asked.length = 0
      await both((from) => resolver(from)['reverse']?.(address))
      expect(server.asked[1]?.name).toBe(server.asked[0]?.name)
      server.answering = () => ({ rcode: 3 })
      await both((from) => resolver(from)['reverse']?.(address))
    }
  )

  it.each([{ rcode: 2 }, { rcode: 5 }, {}, { answers: [{ type: 'CNAME', name: '', data: 'host.test' }] }, undefined])(
    'when a server says %j, as Node',
    async (said) => {
      server.answering = () => said
      await both((from) => resolver(from, { timeout: 100, tries: 1 })['reverse']?.('192.0.2.1'))
    }
  )
})

describe('the module', () => {
  it('has what node:dns has', () => {
    const shape = (module: object) =>
      Object.fromEntries(
        Object.entries(module).map(([name, value]) => [name, typeof value === 'function' ? value.length : typeof value])
      )
    expect(shape(dns)).toEqual(shape(nodeDns))
    expect(shape(dns.promises)).toEqual(shape(nodeDns.promises))
    const constants = (module: object) => Object.entries(module).filter(([, value]) => typeof value !== 'function')
    expect(constants(dns).filter(([name]) => name !== 'promises')).toEqual(
      expect.arrayContaining(constants(nodeDns).filter(([name]) => name !== 'promises'))
    )
  })

  it('names its functions and classes as Node does', () => {
    const named = (module: object) =>
      Object.values(module).flatMap((value) => (typeof value === 'function' ? [value.name] : []))
    const sorted = (module: object) => named(module).sort()
    // Node's own are anonymous in part; these are what stack traces show.
    expect(sorted(dns)).toEqual(expect.arrayContaining(['Resolver', 'lookup', 'lookupService', 'setServers']))
    expect(sorted(dns.promises)).toEqual(expect.arrayContaining(['Resolver', 'lookup', 'lookupService']))
  })

  it('is an instance of what Node has', () => {
    expect(new dns.Resolver()).toBeInstanceOf(nodeDns.Resolver)
    expect(new dns.promises.Resolver()).toBeInstanceOf(nodeDns.promises.Resolver)
  })
})

describe('servers', () => {
  const SERVERS = ['1.2.3.4', '1.2.3.4:5353', '[::1]:5353', '::1', '[2001:db8::1]', '127.0.0.1:53', '[::1]:53']
  it('are listed as Node lists them', async () => {
    await both((from) => {
      const made = new from.Resolver()
      made.setServers(SERVERS)
      return made.getServers()
    })
    await both((from) => {
      const made = new from.Resolver()
      made.setServers([])
      return made.getServers()
    })
  })

  it('that are none are asked nothing', async () => {
    await both((from) => {
      const made = new from.promises.Resolver()
      made.setServers([])
      return made.resolve4('x.test')
    })
  })

  it('cannot be changed while a query is under way', async () => {
    server.answering = () => undefined
    await both(async (from) => {
      const made = new from.Resolver()
      made.setServers([server.address])
      const asked = promisify(made.resolve4.bind(made))('x.test').catch(() => undefined)
      try {
        made.setServers(['127.0.0.1'])
      } finally {
        made.cancel()
        await asked
      }
    })
  })
})

describe('what needs no network', () => {
  it.each(['127.0.0.1', '::1', 'fe80::1%lo', '::ffff:1.2.3.4'])('lookup of %s', async (address) => {
    await both((from) => from.promises.lookup(address))
    await both((from) => from.promises.lookup(address, { all: true }))
    await both((from) => promisify(from.lookup)(address))
    await both((from) => promisify(from.lookup)(address, { family: 6, all: true }))
  })

  it.each([undefined, null, '', false, 0])('lookup of %s', async (name) => {
    await both((from) => from.promises.lookup(name as never))
    await both((from) => from.promises.lookup(name as never, { all: true, family: 6 }))
    await both((from) => promisify(from.lookup)(name as never, { family: 6 }))
  })
})
