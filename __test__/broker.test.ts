/** Without privileges a helper process does what has to be done inside; it may be killed, and leaves nothing. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { eventually, output, program } from './helpers.ts'
import { unprivileged } from './offline/users.mjs'

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
