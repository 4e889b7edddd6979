/** Datagrams. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { later, nameServer, namespace, pair } from '../../offline/kit.mjs'

function socket(type = 'udp4') {
  const made = dgram.createSocket(type)
  let open = true
  made.once('close', () => {
    open = false
  })
  later(() => open && made.close())
  return made
}

async function bound(...args) {
  const type = args.some((arg) => String(arg).includes(':')) ? 'udp6' : 'udp4'
  const made = socket(type)
  made.bind(...args)
  await once(made, 'listening')
  return made
}

/** What a method fails with, or nothing. */
function codeOf(made, method, ...args) {
  try {
    made[method](...args)
  } catch (error) {
    return error.code
  }
}

export default {
  'bind and send: two namespaces on one port': async () => {
    const places = [namespace(), namespace()]
    for (const place of places) {
      await place.run(async () => {
        const server = await bound(53, '127.0.0.1')
        server.on('message', (_, from) => server.send(NetNs.current().id, from.port, from.address))
      })
    }
    for (const place of places) {
      const text = await place.run(async () => {
        const client = socket()
        client.send('hello', 53, '127.0.0.1')
        return String((await once(client, 'message'))[0])
      })
      assert.equal(text, place.id)
    }
  },
  'connect, by a name too': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.9' })
      const server = await bound(0, '127.0.0.9')
      server.on('message', (message, from) => server.send(message, from.port, from.address))
      const client = socket()
      client.connect(server.address().port, 'server.test')
      await once(client, 'connect')
      assert.equal(client.remoteAddress().address, '127.0.0.9')
      client.send('there')
      assert.equal(String((await once(client, 'message'))[0]), 'there')
    })
  },
  'a socket made inside and sent from outside is still inside': async () => {
    const red = namespace()
    const [server, client] = await red.run(async () => [await bound(0, '127.0.0.1'), await bound(0, '127.0.0.1')])
    await new Promise((resolve) => setImmediate(resolve))
    client.send('late', server.address().port, '127.0.0.1')
    assert.equal(String((await once(server, 'message'))[0]), 'late')
  },
  'a socket that is made outside hears where it is bound, by its first datagram too': async () => {
    const red = namespace()
    const [server, client] = [socket(), socket()]
    const heard = [server, client].map(
      (each) => new Promise((resolve) => each.once('message', (...message) => resolve([NetNs.current().id, message])))
    )
    await red.run(async () => {
      server.bind(0, '127.0.0.1')
      await once(server, 'listening')
      client.send('there', server.address().port, '127.0.0.1')
    })
    const [place, [, from]] = await heard[0]
    server.send('back', from.port, from.address)
    assert.deepEqual([place, (await heard[1])[0]], [red.id, red.id])
  },
  'a socket that is made in a context and bound outside hears outside, by its first datagram too': async () => {
    const [red, blue] = [namespace(), namespace()]
    NetNs.outside(blue)
    const [server, client] = red.run(() => [socket(), socket()])
    const heard = [server, client].map(
      (each) => new Promise((resolve) => each.once('message', (_, from) => resolve([NetNs.current().id, from.port])))
    )
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    client.send('there', server.address().port, '127.0.0.1')
    const [place, port] = await heard[0]
    server.send('back', port, '127.0.0.1')
    assert.deepEqual([place, (await heard[1])[0]], [blue.id, blue.id])
  },
  "what a socket hears keeps a program's own storages where it was made": async () => {
    const [red, blue] = [namespace(), namespace()]
    NetNs.outside(blue)
    const storage = new AsyncLocalStorage()
    later(() => storage.disable())
    for (const make of [() => socket(), () => red.run(() => socket())]) {
      const server = storage.run('made', make)
      const heard = new Promise((resolve) =>
        server.once('message', () => resolve([storage.getStore(), NetNs.current().id]))
      )
      await storage.run('bound', async () => {
        server.bind(0, '127.0.0.1')
        await once(server, 'listening')
      })
      const client = socket()
      client.send('there', server.address().port, '127.0.0.1')
      assert.deepEqual(await heard, ['made', blue.id])
    }
  },
  'an open socket of outside goes on where nothing outside may be opened': async () => {
    const blue = namespace()
    const [home, late] = [await bound(0, '127.0.0.1'), socket()]
    NetNs.outside(blue)
    const [server, client] = [await bound(0, '127.0.0.1'), await bound(0, '127.0.0.1')]
    NetNs.outside('deny')
    client.send('there', server.address().port, '127.0.0.1')
    assert.equal(String((await once(server, 'message'))[0]), 'there')
    // The kernel says so, as there is no network at home.
    await assert.rejects(promisify(home.send.bind(home, 'x', 9, '127.0.0.1'))(), { code: 'ENETUNREACH' })
    late.send('x', server.address().port, '127.0.0.1')
    assert.equal((await once(late, 'error'))[0].code, 'ERR_NETNS_OUTSIDE')
  },
  'after its namespace was closed a socket knows no interface, which its callback is told': async () => {
    const red = namespace()
    const open = await red.run(() => bound(0, '::1'))
    red.close()
    await assert.rejects(promisify(open.send.bind(open, 'x', 9, 'fe80::1%lo'))(), { code: 'ENXIO', syscall: 'send' })
    open.send('x', open.address().port, '::1')
    assert.equal(String((await once(open, 'message'))[0]), 'x')
  },
  'a send from home has nowhere to go': async () => {
    const { port } = (await namespace().run(() => bound(0, '127.0.0.1'))).address()
    const client = socket()
    await assert.rejects(new Promise((_, reject) => client.send('x', port, '127.0.0.1', reject)), {
      code: 'ENETUNREACH'
    })
  },
  'a bound port is taken, as elsewhere': async () => {
    await namespace().run(async () => {
      const { port } = (await bound(0, '127.0.0.1')).address()
      await assert.rejects(bound(port, '127.0.0.1'), { code: 'EADDRINUSE' })
    })
  },
  'multicast, on an interface of the namespace': async () => {
    const { red, blue } = await pair()
    const receiver = await red.run(async () => {
      const made = await bound(5000, '::')
      made.addMembership('ff02::1234', '::%link0')
      return made
    })
    const receiver4 = await red.run(async () => {
      const made = await bound(5001, '0.0.0.0')
      made.addMembership('239.1.2.3', '192.0.2.1')
      return made
    })
    const heard4 = once(receiver4, 'message')
    await blue.run(async () => {
      const sender = await bound(0, '0.0.0.0')
      sender.setMulticastInterface('192.0.2.2')
      sender.send('to all', 5001, '239.1.2.3')
    })
    assert.equal(String((await heard4)[0]), 'to all')
    receiver.dropMembership('ff02::1234', '::%link0')
  },
  'memberships and interfaces of multicast fail as the kernel has it': async () => {
    await namespace().run(async () => {
      const [six, four] = [await bound(0, '::'), await bound(0, '0.0.0.0')]
      const outcomes = [
        [six, 'addMembership', 'ff02::114', '::%lo'],
        [six, 'addMembership', 'ff02::114', '::%lo', 'EADDRINUSE'],
        [six, 'dropMembership', 'ff02::114', '::%lo'],
        [six, 'dropMembership', 'ff02::114', '::%lo', 'EADDRNOTAVAIL'],
        [six, 'addMembership', '::1', '::%lo', 'EINVAL'],
        [six, 'addMembership', 'x', '::%lo', 'EINVAL'],
        [six, 'addMembership', 'ff02::114', 'x%lo', 'EINVAL'],
        [six, 'addMembership', '239.1.1.2', '::%lo', 'EINVAL'],
        // A name that is none's is no interface, and there is no route that would say which.
        [six, 'addMembership', 'ff02::114', '::%none', 'ENODEV'],
        [six, 'addMembership', 'ff02::114', '::%1', 'ENODEV'],
        [six, 'addMembership', 'ff02::114%lo', undefined, 'ENODEV'],
        [six, 'addMembership', 'ff02::117', 'fe80::1%lo'],
        [six, 'addSourceSpecificMembership', '::1', 'ff3e::1', '::%lo'],
        [six, 'dropSourceSpecificMembership', '::1', 'ff3e::1', '::%lo'],
        [six, 'addSourceSpecificMembership', '127.0.0.1', 'ff3e::1', '::%lo', 'EINVAL'],
        [six, 'setMulticastInterface', '::%lo'],
        [six, 'setMulticastInterface', '::%none'],
        [six, 'setMulticastInterface', 'x%lo', 'EINVAL'],
        [four, 'addMembership', 'ff02::114', '::%lo', 'ENOPROTOOPT'],
        [four, 'setMulticastInterface', '::%lo', 'ENOPROTOOPT']
      ]
      for (const [made, method, ...given] of outcomes) {
        const expected = /^E[A-Z]+$/.test(given.at(-1)) ? given.pop() : undefined
        assert.equal(codeOf(made, method, ...given), expected, `${method}(${given})`)
      }
      const sent = (...args) => promisify(six.send.bind(six, 'x', 5000, ...args))()
      await assert.rejects(sent('fe80::1%none'), { code: 'ENETUNREACH' })
      await sent('::1%lo')
    })
  },
  'what joins a group without a socket opens one of its family, and binds it': async () => {
    await namespace().run(async () => {
      const outcomes = [
        ['addMembership', 'ff02::114', '::%lo', 'IPv6', undefined],
        ['addMembership', 'ff02::114', undefined, 'IPv6', 'ENODEV'],
        ['dropMembership', 'ff02::114', '::%lo', 'IPv6', 'EADDRNOTAVAIL'],
        ['addMembership', '239.1.1.1', '127.0.0.1', 'IPv4', undefined],
        ['addMembership', '239.1.1.1', '192.0.2.1', 'IPv4', 'ENODEV'],
        ['addSourceSpecificMembership', '::1', 'ff3e::1', 'IPv6', 'ENODEV'],
        ['addSourceSpecificMembership', '127.0.0.1', '232.1.1.1', 'IPv4', 'ENODEV'],
        ['addSourceSpecificMembership', '::1', '232.1.1.1', undefined, 'EINVAL'],
        ['addMembership', 'x', undefined, undefined, 'EINVAL'],
        ['setMulticastInterface', '127.0.0.1', undefined, undefined, 'EBADF'],
        ['setMulticastInterface', '::%lo', undefined, undefined, 'EBADF'],
        ['setMulticastInterface', 'x', undefined, undefined, 'EINVAL']
      ]
      for (const type of ['udp4', 'udp6']) {
        for (const [method, one, other, family, code] of outcomes) {
          const made = socket(type)
          const about = `${type} ${method}(${one}, ${other})`
          assert.equal(codeOf(made, method, one, other), code, about)
          if (family === undefined) assert.throws(() => made.address(), { code: 'EBADF' }, about)
          else assert.equal(made.address().family, family, about)
          if (family === undefined) continue
          assert.notEqual(made.address().port, 0, about)
          made.bind(0)
          assert.equal((await once(made, 'error'))[0].code, 'EINVAL', about)
        }
      }
    })
  },
  'after its first datagram too, a socket knows the interfaces of its namespace': async () => {
    const { red, blue } = await pair()
    const receiver = await blue.run(() => bound(5000, '::'))
    const heard = []
    receiver.on('message', (message) => heard.push(String(message)))
    const sender = await red.run(() => bound(0, '::'))
    const send = (...args) =>
      new Promise((resolve, reject) => sender.send(...args, (error) => (error ? reject(error) : resolve())))
    // From within no context, where only the socket itself says whose interfaces are meant.
    await new Promise((resolve) => setImmediate(resolve))
    await send('unscoped', 5000, '::ffff:192.0.2.2')
    await send('scoped', 5000, 'fe80::2%link0')
    await send('again', 5000, '::ffff:192.0.2.2')
    while (!heard.includes('again')) await new Promise((resolve) => setTimeout(resolve, 5))
    assert.deepEqual(
      heard.filter((message) => message !== 'scoped'),
      ['unscoped', 'again']
    )
    // What comes from a link-local sender is dropped where home has no such interface.
    if (heard.length === 3) assert.equal(heard[1], 'scoped')
    sender.connect(5000, '::ffff:192.0.2.2')
    await once(sender, 'connect')
    await send('connected')
    while (!heard.includes('connected')) await new Promise((resolve) => setTimeout(resolve, 5))
  },
  'a stray link-local datagram crashes nothing, and others still arrive': async () => {
    const { red, blue } = await pair()
    const receiver = await red.run(() => bound(5000, '::'))
    const heard = []
    receiver.on('message', (message, from) => heard.push(`${message} ${from.address.replace('::ffff:', '')}`))
    await blue.run(async () => {
      const stray = await bound(0, '::')
      await new Promise((resolve) => stray.send('stray', 5000, 'fe80::1%link0', resolve))
      const other = await bound(0, '0.0.0.0')
      await new Promise((resolve) => other.send('other', 5000, '192.0.2.1', resolve))
    })
    while (!heard.includes('other 192.0.2.2')) await new Promise((resolve) => setTimeout(resolve, 5))
    for (const line of heard) assert.match(line, /^(other 192\.0\.2\.2|stray fe80::2%link0)$/)
  },
  'a socket whose network the kernel cannot tell is closed': async () => {
    const made = socket()
    const state = Object.getOwnPropertySymbols(made).find(({ description }) => description === 'state symbol')
    const { handle } = made[state]
    const { get } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(handle), 'fd')
    const file = await open('/dev/null')
    later(() => file.close())
    // What is asked about is no socket as soon as there is one.
    Object.defineProperty(handle, 'fd', { get: () => (get.call(handle) < 0 ? -1 : file.fd), configurable: true })
    namespace().run(() => made.bind(53, '127.0.0.1'))
    const [error] = await once(made, 'error')
    assert.equal(error.code, 'ENOTTY')
    assert.equal(get.call(handle), -9)
  }
}
