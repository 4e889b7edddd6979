import { execFileSync } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { codeOf, directory, here, message, output, root, run, strays, worker } from './helpers.ts'

const home = here()

test('the function runs inside with its arguments, and the thread comes back', () => {
  using red = NetNs.createSync()
  expect(red.runSync((...args: number[]) => [here(), ...args], 1, 2)).toEqual([red.id, 1, 2])
  expect(red.runSync(() => Object.keys(networkInterfaces()))).toEqual(['lo'])
  const inside = red.runSync(() => execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' }).trim())
  expect(inside).toBe(red.id)
  expect(here()).toBe(home)
})

test('the function is called as a plain one, with and without arguments', () => {
  using red = NetNs.createSync()
  const called = function (this: unknown, ...args: number[]) {
    return [this, ...args]
  }
  expect(red.runSync(called)).toEqual([undefined])
  expect(red.runSync(called, 1)).toEqual([undefined, 1])
})

test('I2: what the function throws passes untouched, primitives too', () => {
  using red = NetNs.createSync()
  for (const thrown of [
    new Error('inside'),
    'text',
    7,
    undefined,
    null,
    false,
    Symbol('s'),
    { netnsRecord: true, code: 'X' }
  ]) {
    let caught: unknown = 'nothing'
    try {
      red.runSync(() => {
        throw thrown
      })
    } catch (error) {
      caught = error
    }
    expect(caught).toBe(thrown)
    expect(here()).toBe(home)
  }
})

test('I2: sections nest and re-enter, and each returns where it came from', () => {
  using red = NetNs.createSync()
  using blue = NetNs.createSync()
  const seen = red.runSync(() => {
    const steps = [here()]
    blue.runSync(() => {
      steps.push(here(), red.runSync(here), here())
      expect(() =>
        red.runSync(() => {
          throw new Error('inside')
        })
      ).toThrow('inside')
      steps.push(here(), NetNs.createSync().runSync(here))
    })
    steps.push(here(), red.runSync(here), here())
    return steps
  })
  const made = seen.splice(5, 1)
  expect(seen).toEqual([red, blue, red, blue, blue, red, red, red].map(({ id }) => id))
  expect([red.id, blue.id, home]).not.toContain(made[0])
  expect(here()).toBe(home)
})

test('a promise is refused by an error that names run, and its rejection is not reported twice', async () => {
  using red = NetNs.createSync()
  const unhandled: unknown[] = []
  const listen = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', listen)
  expect(await codeOf(() => red.runSync(async () => {}))).toBe('ERR_NETNS_ASYNC')
  expect(() => red.runSync(() => Promise.reject(new Error('lost')))).toThrow(/Use run for/)
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', listen)
  expect(unhandled).toEqual([])
  expect(here()).toBe(home)
})

test('a lazy thenable is refused without being started at home', async () => {
  using red = NetNs.createSync()
  const startedIn: string[] = []
  // biome-ignore lint/suspicious/noThenProperty: query builders are such objects
  const lazy = { then: () => startedIn.push(here()) }
  expect(await codeOf(() => red.runSync(() => lazy))).toBe('ERR_NETNS_ASYNC')
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(startedIn).toEqual([])
})

test('the function may close the handle it is in', () => {
  const red = NetNs.createSync()
  const { id } = red
  expect(
    red.runSync(() => {
      red.close()
      return here()
    })
  ).toBe(id)
  expect(here()).toBe(home)
})

test("I2: vm's timeout inside brings the thread back", () => {
  using red = NetNs.createSync()
  const context = { enter: (fn: () => void) => red.runSync(fn) }
  for (let round = 0; round < 3; round++) {
    expect(() => runInNewContext('enter(() => { for (;;) {} })', context, { timeout: 30 })).toThrow(
      expect.objectContaining({ code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })
    )
    expect(here()).toBe(home)
    expect(red.runSync(here)).toBe(red.id)
  }
})

test('I2: a Worker terminated inside ends, and the namespace with it', async () => {
  using red = NetNs.createSync()
  const looping = worker(
    `const red = NetNs.fromFd(workerData)
     red.runSync(() => { parentPort.postMessage(here()); for (;;) {} })`,
    red.fd
  )
  expect(await message(looping)).toBe(red.id)
  await looping.terminate()
  expect(strays(home)).toEqual([])
  expect(red.runSync(here)).toBe(red.id)
})

test('I2: process.exit() inside runs the exit listeners at home', async () => {
  const source = `
    process.on('exit', () => { console.log(here() === home, NetNs.createSync().runSync(here) !== home, here() === home) })
    const [red, blue] = [NetNs.createSync(), NetNs.createSync()]
    process.on('exit', () => console.log(here() === home))
    red.runSync(() => blue.runSync(() => process.exit(0)))
  `
  expect(await output(source)).toBe('true true true\ntrue')
})

test('process.exit() inside ends a Worker with its code', async () => {
  using red = NetNs.createSync()
  const exiting = worker('NetNs.fromFd(workerData).runSync(() => process.exit(7))', red.fd)
  expect(await new Promise((resolve, reject) => exiting.once('exit', resolve).once('error', reject))).toBe(7)
  expect(strays(home)).toEqual([])
})

/** Closes every descriptor of a namespace, as careless code does, and puts others in their places. */
const LOSE = `
  const found = () => fs.readdirSync('/proc/self/fd').filter((fd) => {
    try { return fs.readlinkSync('/proc/self/fd/' + fd).startsWith('net:') } catch { return false }
  })
  const lose = (path, descriptors = found()) => {
    for (const fd of descriptors) fs.closeSync(Number(fd))
    if (path) for (let count = 0; count < 50; count++) fs.openSync(path, 'r')
  }
`

test('I2: descriptors closed behind our back are recovered from', async () => {
  const source = `${LOSE}
    const red = NetNs.createSync()
    red.runSync(() => {})
    red.runSync(() => lose())
    assert.equal(here(), home)
    console.log('home')
  `
  expect(await output(source)).toBe('home')
})

test('I2: descriptors replaced by those of another namespace lead to no wrong network', async () => {
  const source = `${LOSE}
    const [red, blue] = [NetNs.createSync(), NetNs.createSync({ name: 'blue', directory: '/run/replaced-' + process.pid })]
    red.runSync(() => {})
    red.runSync(() => lose('/run/replaced-' + process.pid + '/blue'))
    assert.equal(here(), home)
    assert.throws(() => red.runSync(() => assert.fail('inside another namespace')), { code: 'EBADF' })
    assert.equal(here(), home)
    console.log('home')
  `
  expect(await output(source)).toBe('home')
})

test('I2: a privilege given up inside aborts the process with our message', async () => {
  const library = join(directory(), 'drop-capabilities.node')
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(root, '__test__/fixtures/drop-capabilities.c')])
  const source = `
    const red = NetNs.createSync()
    try { red.runSync(() => process.dlopen({ exports: {} }, process.argv[1])) } finally { console.log('went on') }
  `
  const { signal, stdout, stderr } = await run(source, { args: [library] })
  expect({ signal, stdout }).toEqual({ signal: 'SIGABRT', stdout: '' })
  expect(stderr).toMatch(/netns: FATAL: thread \d+ cannot return to its network namespace \(EPERM.*CAP_SYS_ADMIN/)
})

test('I2: a way back that is lost altogether aborts the process with our message', async () => {
  const source = `${LOSE}
    import { execFileSync } from 'node:child_process'
    const red = NetNs.createSync()
    red.runSync(() => {})
    try {
      red.runSync(() => {
        const descriptors = found()
        execFileSync('mount', ['-t', 'tmpfs', 'none', '/proc'])
        lose(undefined, descriptors)
      })
    } finally {
      console.log('went on')
    }
  `
  const { signal, stdout, stderr } = await run(source, { wrapper: ['unshare', '--mount'] })
  expect({ signal, stdout }).toEqual({ signal: 'SIGABRT', stdout: '' })
  expect(stderr).toMatch(/netns: FATAL: thread \d+ cannot return to its network namespace \(EBADF.*closed/)
})

test('I2: what cannot come back does not go', async () => {
  const source = `
    const errors = []
    for (const call of [() => NetNs.createSync().runSync(() => 'moved'), () => NetNs.home().runSync(() => 'no move')]) {
      try { errors.push(call()) } catch (error) { errors.push(error.code) }
    }
    assert.equal(here(), home)
    console.log(errors.join(' '), (await probe()).can.runSync.code)
  `
  const expected = 'ERR_NETNS_NO_RETURN no move ERR_NETNS_NO_RETURN'
  expect(await output(source, { wrapper: ['unshare', '-Ur'] })).toBe(expected)
})

test('refused without the privilege, before anything moves', async () => {
  const where = directory()
  await NetNs.create({ name: 'red', directory: where })
  const source = `
    const red = NetNs.fromName('red', { directory: process.argv[1] })
    assert.throws(() => red.runSync(() => {}), { code: 'EPERM', syscall: 'setns', errno: -1, message: /CAP_SYS_ADMIN/ })
    assert.equal(here(), home)
    console.log('refused')
  `
  const wrapper = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
  expect(await output(source, { wrapper, args: [where] })).toBe('refused')
})
