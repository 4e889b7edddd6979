/** Without privileges a helper process does what has to be done inside; it may be killed, and leaves nothing. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { directory, eventually, output, program, root } from './helpers.ts'
import { other, otherReads, unprivileged } from './offline/users.mjs'

const LIBRARY = `
  import net from 'node:net'
  import { once } from 'node:events'
  import { Worker } from 'node:worker_threads'
  const broker = () => fs.readdirSync('/proc/self/task').flatMap((tid) =>
    fs.readFileSync('/proc/self/task/' + tid + '/children', 'utf8').split(' ').filter(Boolean)
  ).find((pid) => fs.readFileSync('/proc/' + pid + '/comm', 'utf8') === 'netns-broker\\n')
  const served = async () => {
    const server = net.createServer((socket) => socket.end('served')).listen(80, '127.0.0.1')
    await once(server, 'listening')
    let text = ''
    for await (const chunk of net.connect(80, '127.0.0.1')) text += chunk
    server.close()
    await once(server, 'close')
    return text
  }
`
const wrapper = unprivileged()

test('a broker that is killed is started again, and serves what there was', async () => {
  const source = `${LIBRARY}
    const red = await NetNs.create()
    console.log(await red.run(served))
    const first = broker()
    process.kill(Number(first), 'SIGKILL')
    console.log(await red.run(served))
    console.log(broker() !== first, (await NetNs.create()).owner().userNamespace === red.owner().userNamespace)
    red.close()`
  expect(await output(source, { wrapper })).toBe('served\nserved\ntrue true')
})

test('it ends with its process, however that ends', async () => {
  const source = `${LIBRARY}
    await NetNs.create()
    console.log(broker())
    setInterval(() => {}, 1000)`
  const child = program(source, { wrapper })
  const pid = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data).trim())))
  const runs = () => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'netns-broker\n'
    } catch {
      return false
    }
  }
  expect(runs()).toBe(true)
  child.kill('SIGKILL')
  expect(await eventually(() => !runs())).toBe(true)
})

test('1,000 connections leave no descriptor behind, from Workers at the same time too', async () => {
  const source = `${LIBRARY}
    const red = await NetNs.create()
    await red.run(served)
    const before = fs.readdirSync('/proc/self/fd').length
    const workers = [1, 2].map(() => red.run(() => new Worker(
      \`const net = require('node:net')
      const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1', async () => {
        for (let i = 0; i < 100; i++)
          await new Promise((resolve) => net.connect(server.address().port, '127.0.0.1').resume().on('close', resolve))
        server.close()
      })\`, { eval: true, execArgv: [] })))
    const ended = workers.map((worker) => once(worker, 'exit'))
    await red.run(async () => {
      for (let i = 0; i < 500; i++) await served()
    })
    for (const [code] of await Promise.all(ended)) assert.equal(code, 0)
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.ok(fs.readdirSync('/proc/self/fd').length <= before)
    console.log(strays().length)`
  expect(await output(source, { wrapper })).toBe('0')
})

test('children are the same user, have only their streams, and fail as Node has it', async () => {
  const source = `
    import os from 'node:os'
    import { spawn, spawnSync } from 'node:child_process'
    import { once } from 'node:events'
    const red = await NetNs.create()
    await red.run(async () => {
      const folder = fs.mkdtempSync(os.tmpdir() + '/netns-broker-')
      spawnSync('touch', [folder + '/theirs'])
      assert.equal(fs.statSync(folder + '/theirs').uid, process.getuid())
      fs.rmSync(folder, { recursive: true })
      // The kernel lets no root without CAP_SETFCAP have a name inside.
      const named = process.getuid() === 0 ? fs.readFileSync('/proc/sys/kernel/overflowuid', 'utf8').trim() : process.getuid()
      const script = 'id -u; readlink /proc/self/ns/net; echo "$0 $1"; for fd in 3 4 5; do [ -e /proc/self/fd/$fd ] && echo $fd; done; exit 3'
      const { stdout, status } = spawnSync('sh', ['-c', script, 'zeroth', 'first'], { encoding: 'utf8' })
      assert.equal(stdout, [named, red.id, 'zeroth first', ''].join('\\n'))
      assert.equal(status, 3)
      const [error] = await once(spawn('/nowhere/none'), 'error')
      assert.deepEqual([error.code, error.syscall, error.path], ['ENOENT', 'spawn /nowhere/none', '/nowhere/none'])
      const [cwd] = await once(spawn('true', { cwd: '/nowhere' }), 'error')
      assert.equal(cwd.code, 'ENOENT')
    })
    console.log('done')`
  expect(await output(source, { wrapper })).toBe('done')
})

test('privileges that are given up after a namespace was used: what an ordinary user may do goes on', async () => {
  const library = join(directory(), 'drop-capabilities.node')
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(root, '__test__/fixtures/drop-capabilities.c')])
  // Of this thread alone, so that others could still make namespaces that are not for it.
  const careless = [
    `try { process.dlopen({ exports: {} }, ${JSON.stringify(library)}) } catch {}`,
    'NetNs.createSync()'
  ]
  const user = `process.setgroups([]); process.setgid(${other}); process.setuid(${other})`
  const daemon = [user, 'NetNs.createSync(), await NetNs.create()']
  for (const [drop, made] of otherReads() ? [careless, daemon] : [careless]) {
    const source = `${LIBRARY}
      import { spawn } from 'node:child_process'
      const red = NetNs.createSync()
      await red.addresses.add({ dev: 'lo', address: 'fe80::1/64', noDad: true })
      const address = await red.run(async () => {
        const server = net.createServer().listen(81, 'fe80::1%lo')
        await once(server, 'listening')
        return server.address.bind(server)
      })
      assert.equal(address().address, 'fe80::1%lo')
      ${drop}
      // Nobody may go there any more, and what is there stays.
      await assert.rejects(red.run(served), { code: 'EPERM', syscall: 'setns' })
      assert.equal(address().address, 'fe80::1%lo')
      for (const blue of [${made}]) {
        assert.equal(await blue.run(served), 'served')
        const child = blue.run(() => spawn('readlink', ['/proc/self/ns/net']))
        assert.equal(String((await once(child.stdout, 'data'))[0]), blue.id + '\\n')
      }
      console.log(strays().length)
      process.exit()`
    expect(await output(source)).toBe('0')
  }
})

test('at the limit of descriptors sockets and children fail as by Node, and the broker goes on', async () => {
  const source = `${LIBRARY}
    import dgram from 'node:dgram'
    import { spawn } from 'node:child_process'
    const red = await NetNs.create()
    const told = (error) => [error.constructor.name, error.code, error.syscall, error.address ?? error.path]
    const failures = async () => [
      told((await once(net.connect(80, '127.0.0.1'), 'error'))[0]),
      told((await once(net.createServer().listen(80, '127.0.0.1'), 'error'))[0]),
      told((await once(net.createServer().listen('\\0name'), 'error'))[0]),
      told((await once(dgram.createSocket('udp4').bind(53, '127.0.0.1'), 'error'))[0]),
      told((await once(spawn('true'), 'error'))[0])
    ]
    await red.run(served)
    const before = broker()
    const held = []
    try {
      for (;;) held.push(fs.openSync('/dev/null'))
    } catch {}
    const found = await red.run(failures)
    for (const fd of held) fs.closeSync(fd)
    console.log(JSON.stringify(found))
    console.log(await red.run(served), broker() === before)`
  const [found, after] = (await output(source, { wrapper: ['prlimit', '--nofile=100:100', ...wrapper] })).split('\n')
  expect(JSON.parse(String(found))).toEqual([
    ['Error', 'EMFILE', 'connect', '127.0.0.1'],
    ['Error', 'EMFILE', 'listen', '127.0.0.1'],
    ['Error', 'EMFILE', 'listen', '\0name'],
    ['Error', 'EMFILE', 'bind', '127.0.0.1'],
    ['Error', 'EMFILE', 'spawn true', 'true']
  ])
  expect(after).toBe('served true')
})
