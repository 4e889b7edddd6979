/** Children, Workers and what Node asks the kernel synchronously. */
import assert from 'node:assert/strict'
import childProcess, { execSync } from 'node:child_process'
import cluster from 'node:cluster'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import inspector from 'node:inspector'
import { createRequire, register } from 'node:module'
import net from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { ask, brokered, first, later, nameServer, namespace, saying, told } from '../../offline/kit.mjs'

const READ = ['/proc/self/ns/net']
const program = (name) => fileURLToPath(new URL(`../programs/${name}`, import.meta.url))

async function answerOf(worker) {
  later(() => worker.terminate())
  const answer = await Promise.race([
    first(worker, 'message'),
    once(worker, 'error').then(([error]) => Promise.reject(error))
  ])
  return answer
}

export default {
  'all seven ways to start a child': async () => {
    const red = namespace()
    await red.run(async () => {
      const expected = `${red.id}\n`
      assert.equal(await told(childProcess.spawn('readlink', READ).stdout), expected)
      assert.equal((await promisify(childProcess.exec)('readlink /proc/self/ns/net')).stdout, expected)
      assert.equal((await promisify(childProcess.execFile)('readlink', READ)).stdout, expected)
      assert.equal(await first(childProcess.fork(program('where.mjs')), 'message'), red.id)
      assert.equal(String(childProcess.spawnSync('readlink', READ).stdout), expected)
      assert.equal(String(childProcess.execSync('readlink /proc/self/ns/net')), expected)
      assert.equal(String(childProcess.execFileSync('readlink', READ)), expected)
      assert.equal(String(execSync('readlink /proc/self/ns/net')), expected)
    })
    assert.equal(String(execSync('readlink /proc/self/ns/net')).trim(), readlinkSync('/proc/self/ns/net'))
  },
  'a program whose interpreter or loader is missing cannot be started': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'netns-missing-'))
    later(() => rmSync(folder, { recursive: true }))
    const make = (name, content) => {
      writeFileSync(join(folder, name), content, { mode: 0o755 })
      return join(folder, name)
    }
    const binary = readFileSync('/bin/true', 'latin1')
    const [loader] = binary.match(/\/lib[^\0]*\/ld[^\0]*/)
    const unloadable = binary.replace(loader, `/none${'x'.repeat(loader.length - 5)}`)
    const missing = make('missing', '#! /nowhere/none -x\n')
    const outcomes = [
      [missing, 'ENOENT'],
      [make('nested', `#!${missing}\n`), 'ENOENT'],
      [make('denied', `#!${folder}\n`), 'EACCES'],
      [make('unloadable', Buffer.from(unloadable, 'latin1')), 'ENOENT'],
      [make('relative', '#!sh/sh -c\n'), 'ENOENT']
    ]
    make('found', '#!/bin/sh\nreadlink /proc/self/ns/net\n')
    const red = namespace()
    await red.run(async () => {
      for (const [file, code] of outcomes) {
        const [error] = await once(childProcess.spawn(file), 'error')
        assert.deepEqual([error.code, error.syscall, error.path], [code, `spawn ${file}`, file])
      }
      // As execvp(3): the next of that name is looked for.
      const others = mkdtempSync(join(folder, 'others-'))
      writeFileSync(join(others, 'found'), '#!/nowhere/none\n', { mode: 0o755 })
      const env = { PATH: `${others}:${folder}:${process.env.PATH}` }
      assert.equal(await told(childProcess.spawn('found', { env }).stdout), `${red.id}\n`)
    })
  },
  "a child's events are inside": async () => {
    await namespace().run(async () => {
      const { port } = await saying('dialled')
      const child = childProcess.spawn('sh', ['-c', 'echo x; exit 3'])
      const texts = []
      const dial = (event) => ask(port, '127.0.0.1').then((text) => texts.push(`${event} ${text}`))
      child.stdout.once('data', () => dial('data'))
      child.once('exit', () => dial('exit'))
      child.once('close', () => dial('close'))
      while (texts.length < 3) await new Promise((resolve) => setTimeout(resolve, 5))
      assert.deepEqual(texts.sort(), ['close dialled', 'data dialled', 'exit dialled'])
    })
  },
  'what a child gives is where the child is heard: a connection, a UDP socket': async () => {
    const red = namespace()
    const give = (what) => {
      const child = childProcess.fork(program('giving.mjs'), [what])
      later(() => child.kill())
      return child
    }
    const heard = (emitter, event) => new Promise((resolve) => emitter.once(event, () => resolve(NetNs.current().id)))
    await red.run(async () => {
      const child = give('socket')
      const client = net.connect(await first(child, 'message'), '127.0.0.1')
      const [, socket] = await once(child, 'message')
      const events = ['data', 'end', 'close'].map((event) => heard(socket, event))
      client.resume().end('x')
      assert.deepEqual(await Promise.all(events), [red.id, red.id, red.id])

      const other = give('datagrams')
      const [port, receiver] = await once(other, 'message')
      later(() => receiver.close())
      // Until it ends, the child has the socket too, and may take what comes.
      other.kill()
      await once(other, 'exit')
      const sender = dgram.createSocket('udp4')
      sender.send('x', port, '127.0.0.1', () => sender.close())
      assert.equal(await heard(receiver, 'message'), red.id)
    })
  },
  'a forked child hears its parent in the context that it listens in': async () => {
    const child = childProcess.fork(program('listening.mjs'))
    await once(child, 'message')
    child.send('where?')
    assert.equal(await first(child, 'message'), true)
  },
  'a child does not inherit NETNS, by which it would go elsewhere, but has one that is meant for it': async () => {
    process.env.NETNS = 'green'
    later(() => delete process.env.NETNS)
    const [print, env] = [['-c', 'echo "<$NETNS $KEPT>"'], { ...process.env, KEPT: 'kept' }]
    await namespace().run(async () => {
      const { spawnSync, execFileSync, execSync } = childProcess
      const ask = async (options) => [
        await told(childProcess.spawn('sh', print, options).stdout),
        String(spawnSync('sh', print, options).stdout),
        String(execFileSync('sh', print, options)),
        String(execSync(print[1], options)),
        await told(childProcess.exec(print[1], options).stdout)
      ]
      assert.deepEqual([...new Set(await ask())], ['< >\n'])
      assert.deepEqual([...new Set(await ask({ env }))], ['< kept>\n'])
      assert.deepEqual([...new Set(await ask(Object.freeze({ env: Object.create(env) })))], ['< kept>\n'])
      assert.deepEqual([...new Set(await ask({ env: { ...env, NETNS: 'blue' } }))], ['<blue kept>\n'])
      assert.equal(String(execFileSync('sh', print, null)), '< >\n')
      assert.equal(String(execSync(print[1], null)), '< >\n')
    })
    assert.equal(String(execSync(print[1])), '<green >\n')
  },
  'what Node says of wrong arguments, and of shells and folders, it says inside': async () => {
    const red = namespace()
    // What was taken before there is a context stays at home.
    red.run(() => {})
    const { spawnSync, execFileSync, execSync } = childProcess
    const folder = mkdtempSync(join(tmpdir(), 'a b-'))
    later(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'here'), '#!/bin/sh\npwd\n', { mode: 0o755 })
    const outcome = (call) => {
      try {
        return String(call())
      } catch ({ code, status, message, spawnargs }) {
        return { code, status, message, spawnargs }
      }
    }
    const calls = [
      () => spawnSync('./here', { cwd: pathToFileURL(folder) }).stdout,
      () => spawnSync('pwd', { cwd: Buffer.from(folder) }).stdout,
      () => spawnSync('pwd', { cwd: new URL('http://localhost/') }).stdout,
      () => execSync('x', { shell: '/bin/nosuch', stdio: 'pipe' }),
      () => execSync('echo $0', { shell: 5 }),
      () => execSync('pwd', { shell: '' }),
      () => spawnSync('true', 'x').status,
      () => spawnSync('true', [], 5).status,
      () => spawnSync('true', [], null).status,
      () => execFileSync('echo', ['x'], null),
      () => execFileSync('echo', ['x'], () => {}),
      () => execFileSync('echo', () => {}),
      () => execFileSync('echo', [], 5),
      () => execSync('echo x', () => {}),
      () => execSync('echo x', null),
      () => execSync('echo x', 5),
      () => spawnSync('true', ['a\0']).status,
      () => spawnSync('true', [], { argv0: '\0' }).status,
      () => spawnSync('true', [], { shell: '/bin/sh\0' }).status,
      () => spawnSync('pwd', Object.create({ cwd: folder })).stdout
    ]
    const compare = () => {
      for (const call of calls) assert.deepEqual(red.run(outcome, call), outcome(call), String(call))
    }
    compare()
    process.env.NETNS = 'green'
    later(() => delete process.env.NETNS)
    compare()
    assert.equal(String(red.run(() => execSync('readlink /proc/self/ns/net', { shell: 5 }))).trim(), red.id)
  },
  "a child that cannot be started has Node's error": async () => {
    await namespace().run(async () => {
      const child = childProcess.spawn('/nowhere/none')
      assert.equal((await first(child, 'error')).code, 'ENOENT')
    })
  },
  'the inspector is opened at home alone, as its thread stays where it is made': async () => {
    const red = namespace()
    const threads = () => readdirSync('/proc/self/task').map((id) => readlinkSync(`/proc/self/task/${id}/ns/net`))
    assert.throws(() => red.run(inspector.open, 0), { code: 'ERR_NETNS_NOT_COVERED' })
    assert.throws(() => red.runSync(inspector.open, 0), { code: brokered ? 'EPERM' : 'ERR_NETNS_NOT_COVERED' })
    assert.equal(inspector.url(), undefined)
    red.run(() => NetNs.home().run(inspector.open, 0))
    later(() => inspector.close())
    assert.match(inspector.url(), /^ws:/)
    assert.deepEqual([...new Set(threads())], [readlinkSync('/proc/self/ns/net')])
  },
  'os.networkInterfaces is of the namespace, however it was imported': async () => {
    assert.deepEqual(Object.keys(await namespace().run(async () => networkInterfaces())), ['lo'])
    assert.deepEqual(Object.keys(networkInterfaces()), [])
  },
  'a Worker: sockets, dns.lookup by every import, and nested Workers': async () => {
    const red = namespace()
    await red.run(async () => {
      await nameServer({ 'server.test': '127.0.0.1' })
      const { port } = await saying('reached')
      const answer = await answerOf(new Worker(program('worker.mjs'), { workerData: { port, depth: 1 } }))
      const one = {
        place: red.id,
        named: 'reached',
        address: '127.0.0.1',
        promised: '127.0.0.1',
        fetched: 'ECONNREFUSED'
      }
      assert.deepEqual(answer, { ...one, nested: { ...one, nested: null } })
    })
  },
  'a CommonJS Worker, evaluated': async () => {
    const red = namespace()
    await red.run(async () => {
      await nameServer({ 'server.test': '127.0.0.4' })
      const source = `require('node:dns').lookup('server.test', (error, address) =>
        require('node:worker_threads').parentPort.postMessage(error?.code ?? address))`
      assert.equal(await answerOf(new Worker(source, { eval: true })), '127.0.0.4')
    })
  },
  "a Worker has the flags that it was given, or the process's own": async () => {
    await namespace().run(async () => {
      const source = `require('node:worker_threads').parentPort.postMessage(process.execArgv)`
      const flags = (options) => answerOf(new Worker(source, { eval: true, ...options }))
      assert.deepEqual(await flags({ execArgv: ['--trace-warnings'] }), ['--trace-warnings'])
      assert.deepEqual(await flags({ execArgv: [] }), [])
      assert.deepEqual(await flags({}), process.execArgv)
      assert.deepEqual(await flags({ execArgv: null }), process.execArgv)
      assert.throws(() => flags({ execArgv: ['--expose-gc'] }), { code: 'ERR_WORKER_INVALID_EXEC_ARGV' })
      assert.throws(() => flags({ execArgv: 'x' }), { code: 'ERR_INVALID_ARG_TYPE' })
    })
  },
  'a Worker without flags, by null, looks names up inside': async () => {
    await namespace().run(async () => {
      await nameServer({ 'server.test': '127.0.0.5' })
      const source = `require('node:dns').lookup('server.test', (error, address) =>
        require('node:worker_threads').parentPort.postMessage(error?.code ?? address))`
      assert.equal(await answerOf(new Worker(source, { eval: true, execArgv: null })), '127.0.0.5')
    })
  },
  "a Worker's options may be inherited, getters, private, or frozen; null is refused by Node": async () => {
    await namespace().run(async () => {
      class Options {
        #source = "require('node:worker_threads').parentPort.postMessage(require('node:worker_threads').workerData)"
        get eval() {
          return this.#source !== ''
        }
        get workerData() {
          return this.#source.length
        }
        get source() {
          return this.#source
        }
      }
      const options = new Options()
      assert.equal(await answerOf(new Worker(options.source, options)), options.source.length)
      const frozen = Object.freeze({ eval: true, workerData: 7, execArgv: [] })
      assert.equal(await answerOf(new Worker(options.source, frozen)), 7)
      assert.throws(() => new Worker(program('where.mjs'), null), TypeError)
    })
  },
  'a Worker that is stopped leaves no thread inside': async () => {
    const red = namespace()
    await red.run(async () => {
      const worker = new Worker('setInterval(() => {}, 1000)', { eval: true })
      await once(worker, 'online')
      await worker.terminate()
    })
  },
  "cluster: a worker's listen is its own, in the namespace that it was forked in": async () => {
    const places = [namespace(), namespace()]
    cluster.setupPrimary({ exec: program('cluster.mjs') })
    for (const place of places) {
      const worker = place.run(() => cluster.fork())
      later(async () => {
        worker.process.kill('SIGKILL')
        await once(worker, 'exit')
      })
      assert.equal((await first(worker, 'message')).ready, place.id)
    }
    for (const place of places) {
      assert.equal(await place.run(() => ask(8000, '127.0.0.1')), place.id)
      await place.run(async () => {
        const socket = dgram.createSocket('udp4')
        later(() => socket.close())
        socket.send('where?', 8001, '127.0.0.1')
        assert.equal(String(await first(socket, 'message')), place.id)
      })
    }
  },
  'cluster: a worker that listens by itself is given its options as they are, and its primary hears of it':
    async () => {
      cluster.setupPrimary({ exec: program('cluster-options.mjs') })
      const worker = cluster.fork()
      later(async () => {
        worker.process.kill('SIGKILL')
        await once(worker, 'exit')
      })
      const heard = []
      worker.on('listening', ({ address, port, addressType }) => heard.push(`${addressType} ${address}:${port}`))
      assert.deepEqual(await first(worker, 'message'), [
        ...[8000, 8001, 8002, '127.0.0.1:8000', '0.0.0.0:8001'],
        ...Array.from({ length: 3 }, () => 'ERR_INVALID_ARG_VALUE')
      ])
      assert.deepEqual(heard, [
        ...['4 127.0.0.1:8000', '4 null:8001', '4 null:8002'],
        ...['udp4 127.0.0.1:8000', 'udp4 0.0.0.0:8001']
      ])
    },
  'hooks of modules, whose thread would stay inside, are registered at home': async () => {
    const hooks = new URL('../programs/hooks.mjs', import.meta.url)
    const red = namespace()
    assert.throws(() => red.run(register, hooks), { code: 'ERR_NETNS_NOT_COVERED', message: /home\(\)\.run/ })
    await red.run(() => NetNs.home().run(register, hooks))
    assert.equal(typeof (await red.run(() => import('../programs/hooks.mjs?hooked'))).resolve, 'function')
  },
  "hooks of modules that a Worker's flags register are where it stays, with all they do, and end with it": async () => {
    const { stdout } = await promisify(childProcess.execFile)(process.execPath, [
      '--no-warnings',
      '--import',
      program('registering.mjs'),
      program('loaded.mjs')
    ])
    assert.equal(stdout.trim(), 'true,true')
  },
  'a Worker is inside where all modules are hooked from the start, and where the library is required before':
    async () => {
      const hooked = ['--no-warnings', '--experimental-loader', program('hooks.mjs')]
      const preload = createRequire(import.meta.url).resolve('node-netns/register')
      for (const flags of [[], ['--require', preload], ['--import', import.meta.resolve('node-netns/register')]]) {
        const argv = [...hooked, ...flags, program('loaded.mjs')]
        const { stdout } = await promisify(childProcess.execFile)(process.execPath, argv)
        assert.equal(stdout.trim(), 'true,true', flags[0])
      }
    },
  "listeners of the process's own end are called where each was put on": async () => {
    const { stdout } = await promisify(childProcess.execFile)(process.execPath, [
      '--no-warnings',
      program('leaving.mjs')
    ])
    assert.equal(stdout, 'beforeExit true\nbeforeExit true\nexit true\nexit true\n')
  },
  'a program that goes on in the place of this one is inside, or refused': async () => {
    if (process.execve === undefined) return
    const { stdout } = await promisify(childProcess.execFile)(process.execPath, [
      '--no-warnings',
      program('execve.mjs')
    ])
    const [asked, found] = stdout.split('\n')
    assert.equal(found, brokered ? 'ERR_NETNS_NOT_COVERED' : asked)
  }
}
