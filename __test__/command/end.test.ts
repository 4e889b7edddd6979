/** How a program ends, and how it is ended. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { NetNs } from 'node-netns'
import { afterAll, describe, expect, test } from 'vitest'
import { children, events, firstLine, nodeArguments, outputOf, runs, until } from './support.ts'

const ns = NetNs.createSync()
afterAll(() => ns.close())

const STUBBORN = ['-c', 'trap "" TERM; echo ready; while :; do sleep 1; done']

describe('events', () => {
  test('come in the order of a ChildProcess', async () => {
    const child = ns.command('sh', ['-c', 'exit 3'], { stdio: 'ignore' }).spawn()
    expect(await events(child)).toEqual([['spawn'], ['exit', 3, null], ['close', 3, null]])
    expect([child.exitCode, child.signalCode, child.killed]).toEqual([3, null, false])
  })

  test('"spawn" comes while the program runs, however it is listened for, and once', async () => {
    for (const method of ['on', 'once', 'addListener', 'prependListener', 'prependOnceListener'] as const) {
      const child = ns.command('sleep', ['1000'], { stdio: 'ignore' }).spawn()
      const seen: string[] = []
      await new Promise<void>((resolve) => child[method]('spawn', resolve))
      for (const name of ['spawn', 'exit']) child.on(name, () => seen.push(name))
      child.kill('SIGKILL')
      await once(child, 'close')
      expect(seen).toEqual(['exit'])
    }
  })

  test('"spawn" comes first even if the program has ended before it is listened for', async () => {
    const child = ns.command('true', [], { stdio: 'ignore' }).spawn()
    // Nothing is heard of meanwhile.
    spawnSync('sh', ['-c', `while [ -e /proc/${child.pid} ]; do :; done`])
    expect(await events(child)).toEqual([['spawn'], ['exit', 0, null], ['close', 0, null]])
  })

  test('"close" waits for the pipes, which a grandchild may hold', async () => {
    const child = ns
      .command('sh', ['-c', '(read line; echo late) <&3 & exit 0'], { stdio: ['ignore', 'pipe', 'ignore', 'pipe'] })
      .spawn()
    const seen: string[] = []
    child.on('close', () => seen.push('close'))
    await new Promise((resolve) => child.on('exit', resolve))
    expect(seen).toEqual([])
    const output = text(outputOf(child))
    ;(child.stdio[3] as unknown as import('node:net').Socket).end('go\n')
    expect(await output).toBe('late\n')
    await until(() => seen.length === 1)
  })

  test('come in the context that started the child', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen = await storage.run('here', () => {
      const child = ns.command('true').spawn()
      return new Promise((resolve) => child.on('exit', () => resolve(storage.getStore())))
    })
    expect(seen).toBe('here')
    const inside = await ns.run(() => {
      const child = ns.command('true').spawn()
      return new Promise<string>((resolve) => child.on('close', () => resolve(NetNs.current().id)))
    })
    expect(inside).toBe(ns.id)
  })

  test.each([
    ['', []],
    [', of a child that ended before anybody listened, too', ['late']]
  ])('an error in a listener reaches the process, not the library%s', async (_when, args) => {
    const program = [...nodeArguments('./throws.fixture.ts'), ...args]
    const { stdout } = await ns.command(process.execPath, program).output()
    expect(stdout.toString()).toBe('uncaught: spawn\nuncaught: exit\n')
  })
})

describe('pid', () => {
  test('is known at once, and is the program’s', async () => {
    const child = ns.command('sh', ['-c', 'echo $$']).spawn()
    const { pid } = child
    expect(await firstLine(child)).toBe(`${pid}`)
  })

  test('is known after the end, even if nobody asked before', async () => {
    const child = ns.command('sh', ['-c', 'echo $$']).spawn()
    const [line] = await Promise.all([firstLine(child), once(child, 'close')])
    expect(line).toBe(`${child.pid}`)
  })
})

describe('kill', () => {
  test('sends a signal, and tells whether there was a child to send it to', async () => {
    const child = ns.command('sleep', ['1000']).spawn()
    expect(child.kill(0)).toBe(true)
    expect(child.killed).toBe(false)
    const ended = events(child)
    expect(child.kill('SIGKILL')).toBe(true)
    expect(await ended).toEqual([['spawn'], ['exit', null, 'SIGKILL'], ['close', null, 'SIGKILL']])
    expect(child.killed).toBe(true)
    expect(child.kill()).toBe(false)
    expect(() => child.kill('SIGNOPE' as never)).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_SIGNAL' }))
  })

  test('knows real-time signals by number', async () => {
    expect(await ns.command('sh', ['-c', 'kill -40 $$']).status()).toEqual({ code: null, signal: 'SIGRTMIN+6' })
  })

  test('disposing of a child ends it', async () => {
    let ended: Promise<unknown[][]>
    {
      using child = ns.command('sleep', ['1000']).spawn()
      ended = events(child)
    }
    expect((await ended).at(-1)).toEqual(['close', null, 'SIGTERM'])
  })
})

describe('limits', () => {
  test('a child that takes too long is killed, and the promise rejected', async () => {
    const error = await ns
      .command('sleep', ['1000'], { timeout: 20 })
      .status()
      .catch((error) => error)
    expect(error).toMatchObject({ code: 'ETIMEDOUT', errno: -110, syscall: 'spawn sleep', path: 'sleep' })
  })

  test('one that ignores SIGTERM is killed for good a while later', async () => {
    const options = { timeout: 200, forceKillAfter: 20 }
    const error = await ns
      .command('sh', STUBBORN, options)
      .output()
      .catch((error) => error)
    expect(error).toMatchObject({ code: 'ETIMEDOUT', stdout: Buffer.from('ready\n') })
    const child = ns.command('sh', STUBBORN, { ...options, timeout: 0, signal: AbortSignal.timeout(200) }).spawn()
    const seen = await events(child)
    expect(seen.at(-1)).toEqual(['close', null, 'SIGKILL'])
    expect(seen[1]).toEqual(['error', expect.objectContaining({ code: 'ABORT_ERR', name: 'AbortError' })])
  })

  test('an aborted signal kills, with its reason as the cause; one that is aborted already starts nothing', async () => {
    const controller = new AbortController()
    const running = ns.command('sleep', ['1000'], { signal: controller.signal }).output()
    controller.abort(new Error('enough'))
    await expect(running).rejects.toMatchObject({
      code: 'ABORT_ERR',
      cause: expect.objectContaining({ message: 'enough' })
    })
    await expect(ns.command('true', [], { signal: controller.signal }).status()).rejects.toMatchObject({
      code: 'ABORT_ERR'
    })
    expect(children()).toEqual([])
  })

  test('the signal it is killed by can be chosen', async () => {
    const child = ns.command('sleep', ['1000'], { timeout: 20, killSignal: 'SIGINT' }).spawn()
    expect((await events(child)).at(-1)).toEqual(['close', null, 'SIGINT'])
  })

  test('a child that says too much is killed, with what it said so far', async () => {
    const error = await ns
      .command('yes', [], { maxBuffer: 1000 })
      .output()
      .catch((error) => error)
    expect(error).toMatchObject({
      code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
      message: 'stdout maxBuffer length exceeded'
    })
    expect(error.stdout).toHaveLength(1000)
  })
})

describe('keeping alive', () => {
  test('a child keeps this process alive, unless unref says no', async () => {
    const kept = await ns.command(process.execPath, [...nodeArguments('./alive.fixture.ts'), 'ref']).output()
    expect(kept.stdout.toString()).toBe('child ended\n')
    const left = await ns.command(process.execPath, [...nodeArguments('./alive.fixture.ts'), 'unref']).output()
    const pid = Number(left.stdout.toString())
    expect(runs(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
  })
})

test('Node’s own children and ours do not take each other’s ends', async () => {
  const ours = Array.from({ length: 50 }, (_, i) => ns.command('sh', ['-c', `exit ${i}`], { stdio: 'ignore' }).status())
  const theirs = Array.from({ length: 50 }, (_, i) => {
    const child = spawn('sh', ['-c', `exit ${100 + i}`])
    return new Promise((resolve) => child.on('exit', resolve))
  })
  expect((await Promise.all(ours)).map(({ code }) => code)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  expect(await Promise.all(theirs)).toEqual(Array.from({ length: 50 }, (_, i) => 100 + i))
})
