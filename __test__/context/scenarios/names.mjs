/** Names: look-ups are Node's own but for where the answer comes from. */
import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import net from 'node:net'
import { PerformanceObserver } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { later, listen, nameServer, namespace, pair, reachable } from '../../offline/kit.mjs'

const packets = createRequire(import.meta.url)('dns-packet')

/** How many descriptors of this process are sockets. */
function openSockets() {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return links.filter((link) => link.startsWith('socket:')).length
}

// Taken before any hook is on, as a library does at its first line.
const { lookup, lookupService, resolve4 } = dns

export default {
  'references taken before look up inside': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.9' })
      assert.deepEqual(await promisify(lookup)('server.test'), { address: '127.0.0.9', family: 4 })
      assert.deepEqual(await promisify(lookupService)('127.0.0.1', 80), { hostname: 'localhost', service: 'http' })
      await assert.rejects(promisify(lookup)('other.test'), { code: 'ENOTFOUND', syscall: 'getaddrinfo' })
    })
  },
  'an address is answered as by Node itself, the first time and again': async () => {
    const questions = [
      ['127.0.0.1', 4],
      ['127.0.0.1', 6],
      ['::1', 6],
      ['::1', 4],
      ['fe80::1%nothing', 6],
      ['127.0.0.1', 0],
      ['127.0.0.1', { all: true, family: 4 }],
      ['', 4],
      [undefined, 4]
    ]
    // Newer versions throw for what is no name.
    const answerOf = (ask, question) =>
      new Promise((resolve) => {
        let isLater = false
        try {
          const returned = ask(...question, (...answer) => resolve({ isLater, returned, answer }))
          isLater = true
        } catch ({ code }) {
          resolve({ isLater: true, code })
        }
      })
    await namespace().run(async () => {
      for (const question of [...questions, ...questions]) {
        const own = await answerOf(lookup, question)
        assert.deepEqual(await answerOf(dns.lookup, question), own)
        assert.deepEqual(await answerOf(dns.lookup, question), own)
        assert.equal(own.isLater, true)
      }
      await answerOf(dns.lookup, ['127.0.0.1', 4])
      for (const callback of [undefined, {}]) {
        assert.throws(() => dns.lookup('127.0.0.1', 4, callback), { code: 'ERR_INVALID_ARG_TYPE' })
      }
      assert.throws(() => dns.lookup('127.0.0.1', 5, () => {}), { code: 'ERR_INVALID_ARG_VALUE' })
    })
  },
  "the module's functions ask inside, also those taken before, whatever servers are set at home": async () => {
    const usual = dns.getServers()
    later(() => dns.setServers(usual))
    const red = namespace()
    await red.run(() => nameServer({ 'server.test': '127.0.0.9' }))
    const taken = [promisify(resolve4)]
    for (const servers of [['192.0.2.1'], ['192.0.2.2']]) {
      taken.push(dns.promises.resolve4)
      dns.setServers(servers)
      assert.deepEqual(dns.getServers(), servers)
      await red.run(async () => {
        assert.notDeepEqual(dns.getServers(), servers)
        assert.deepEqual(dns.getServers(), dns.promises.getServers())
        for (const ask of [...taken, promisify(dns.resolve4), dns.promises.resolve4]) {
          assert.deepEqual(await ask('server.test'), ['127.0.0.9'])
        }
      })
    }
    await red.run(async () => {
      dns.promises.setServers(['127.0.0.1:5300'])
      assert.deepEqual(dns.getServers(), ['127.0.0.1:5300'])
      for (const ask of [...taken, dns.promises.resolve4]) {
        await assert.rejects(ask('server.test'), { code: 'ECONNREFUSED' })
      }
    })
    assert.deepEqual(dns.getServers(), ['192.0.2.2'])
  },
  'nothing is looked up at home for a namespace, nor inside for home': async () => {
    const red = namespace()
    await red.run(() => nameServer({ 'server.test': '127.0.0.9' }))
    await assert.rejects(promisify(lookup)('server.test'), { code: 'EAI_AGAIN' })
    await assert.rejects(dns.promises.lookup('server.test'), { code: 'EAI_AGAIN' })
    assert.deepEqual(await red.run(dns.promises.lookup, 'server.test'), { address: '127.0.0.9', family: 4 })
  },
  'what promises say is what Node says': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.9' })
      const { promises } = dns
      assert.deepEqual(await promises.lookup('server.test', { all: true }), [{ address: '127.0.0.9', family: 4 }])
      assert.deepEqual(await promises.lookup('server.test', 4), { address: '127.0.0.9', family: 4 })
      assert.deepEqual(await promises.lookup('127.0.0.8'), { address: '127.0.0.8', family: 4 })
      assert.throws(() => promises.lookup('server.test', { family: 5 }), { code: 'ERR_INVALID_ARG_VALUE' })
      assert.throws(() => promises.lookup(7), { code: 'ERR_INVALID_ARG_TYPE' })
      await assert.rejects(promises.lookup('other.test'), { code: 'ENOTFOUND', hostname: 'other.test' })
      assert.deepEqual(await promises.lookupService('127.0.0.1', 22), { hostname: 'localhost', service: 'ssh' })
      assert.throws(() => promises.lookupService('127.0.0.1', -1), { code: 'ERR_SOCKET_BAD_PORT' })
      assert.throws(() => promises.lookupService('nowhere', 1), { code: 'ERR_INVALID_ARG_VALUE' })
      assert.throws(() => promises.lookupService('127.0.0.1'), { code: 'ERR_MISSING_ARGS' })
      await assert.rejects(promises.lookupService('192.0.2.1', 22), { message: 'getnameinfo ENOTFOUND' })
    })
  },
  'the order of results is what the program set': async () => {
    const usual = dns.getDefaultResultOrder()
    later(() => dns.setDefaultResultOrder(usual))
    await namespace().run(async () => {
      const first = async () => (await dns.promises.lookup('localhost')).family
      dns.setDefaultResultOrder('ipv6first')
      assert.equal(await first(), 6)
      dns.promises.setDefaultResultOrder('ipv4first')
      assert.equal(await first(), 4)
      assert.equal((await dns.promises.lookup('localhost', { order: 'ipv6first' })).family, 6)
    })
    assert.equal(dns.getDefaultResultOrder(), 'ipv4first')
  },
  "a query of Node's own that is replaced, as by who measures it, is replaced inside too": async () => {
    const prototype = Object.getPrototypeOf(new dns.Resolver()._handle)
    const { queryA } = prototype
    later(() => Object.assign(prototype, { queryA }))
    const seen = []
    prototype.queryA = function (...args) {
      seen.push(args[1])
      return queryA.apply(this, args)
    }
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.9' })
      assert.deepEqual(await dns.promises.resolve4('server.test'), ['127.0.0.9'])
      assert.deepEqual(await new dns.promises.Resolver().resolve4('server.test'), ['127.0.0.9'])
    })
    assert.deepEqual(seen, ['server.test', 'server.test'])
  },
  'a Resolver that was made outside asks where it is used, as it is set': async () => {
    for (const made of [
      new dns.Resolver({ timeout: 1000, tries: 1 }),
      new dns.promises.Resolver({ timeout: 1000, tries: 1 })
    ]) {
      const [red, blue] = [namespace(), namespace()]
      const asking = (name) =>
        made instanceof dns.Resolver ? promisify(made.resolve4).call(made, name) : made.resolve4(name)
      await red.run(() => nameServer({ 'server.test': '127.0.0.9' }))
      await blue.run(() => nameServer({ 'server.test': '127.0.0.8' }))
      for (let round = 0; round < 2; round++) {
        assert.deepEqual(await red.run(asking, 'server.test'), ['127.0.0.9'])
        assert.deepEqual(await blue.run(asking, 'server.test'), ['127.0.0.8'])
        await assert.rejects(asking('server.test'), { code: 'ECONNREFUSED' })
      }
      await red.run(async () => {
        const silent = dgram.createSocket('udp4').bind(5300, '127.0.0.1')
        await once(silent, 'listening')
        made.setServers(['127.0.0.1:5300'])
        await assert.rejects(asking('server.test'), { code: 'ETIMEOUT' })
        const cancelled = assert.rejects(asking('server.test'), { code: 'ECANCELLED' })
        made.cancel()
        await cancelled
        made.setLocalAddress('192.0.2.1')
        await assert.rejects(asking('server.test'), { code: 'ECONNREFUSED' })
        silent.close()
      })
    }
  },
  'a class that extends Resolver has its own methods, wherever it is made': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.9' })
      class Called extends dns.Resolver {
        ask = promisify((back) => this.resolve4('server.test', back))
      }
      class Promised extends dns.promises.Resolver {
        ask() {
          return this.resolve4('server.test')
        }
      }
      for (const Class of [Called, Promised]) {
        const made = new Class({ tries: 1 })
        assert.ok(made instanceof Class)
        assert.deepEqual(await made.ask(), ['127.0.0.9'])
      }
      assert.ok(new dns.Resolver() instanceof dns.Resolver)
      for (const { Resolver } of [dns, dns.promises]) assert.equal(Resolver.prototype.constructor, Resolver)
    })
  },
  'a name server of a link, as routers announce theirs, is asked by its link-local address': async () => {
    const { red, blue } = await pair()
    const server = net.createServer((socket) => {
      socket.once('data', (message) => {
        const { id, questions } = packets.decode(message.subarray(2))
        const answers = [{ type: 'A', name: questions[0].name, ttl: 1, data: '192.0.2.9' }]
        socket.end(packets.streamEncode({ type: 'response', id, flags: 0x8180, questions, answers }))
      })
    })
    await blue.run(() => listen(server, 53, '::'))
    await red.run(async () => {
      await reachable(53, 'fe80::2%link0')
      const resolver = new dns.promises.Resolver({ timeout: 5000, tries: 1 })
      resolver.setServers(['fe80::2%link0'])
      assert.deepEqual(await resolver.resolve4('server.test'), ['192.0.2.9'])
    })
  },
  'a closed namespace refuses look-ups with its own error': async () => {
    const red = namespace()
    await red.run(async () => {
      red.close()
      const hints = dns.ADDRCONFIG
      await assert.rejects(promisify(lookup)('server.test', { hints }), {
        code: 'ERR_NETNS_CLOSED',
        name: 'NetnsError'
      })
      await assert.rejects(dns.promises.lookup('server.test', { hints }), { name: 'NetnsError' })
      await assert.rejects(dns.promises.lookup('server.test'), { code: 'ERR_NETNS_CLOSED' })
      await assert.rejects(dns.promises.lookupService('192.0.2.1', 22), { code: 'ERR_NETNS_CLOSED' })
    })
  },
  'a socket that is open for the next question goes with its namespace': async () => {
    const red = namespace()
    await red.run(async () => {
      await nameServer({ 'server.test': '127.0.0.9' })
      const before = openSockets()
      for (let count = 0; count < 20; count++) await dns.promises.resolve4('server.test')
      while (openSockets() <= before) await dns.promises.resolve4('server.test').then(() => new Promise(setImmediate))
      red.close()
      assert.equal(openSockets(), before)
      await assert.rejects(dns.promises.resolve4('server.test'), { code: 'ERR_NETNS_CLOSED' })
    })
  },
  'look-ups are seen by a PerformanceObserver': async () => {
    const entries = []
    const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()))
    observer.observe({ type: 'dns' })
    later(() => observer.disconnect())
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.9' })
      await dns.promises.lookup('server.test', { family: 4 })
      await dns.promises.lookupService('127.0.0.1', 80)
      await dns.promises.resolve4('server.test')
    })
    while (entries.length < 3) await new Promise(setImmediate)
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['lookup', 'lookupService', 'queryA']
    )
    assert.deepEqual(entries[0].detail.addresses, ['127.0.0.9'])
    assert.equal(entries[0].detail.hostname, 'server.test')
  }
}
