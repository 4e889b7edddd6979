/** How a program begins: where, with which words, environment, directory and descriptors. */
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { SHARE_ENV, Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { afterAll, describe, expect, test } from 'vitest'
import { events, networksOfThreads, outputOf, said } from './support.ts'

const ns = NetNs.createSync()
const directory = mkdtempSync(join(tmpdir(), 'netns-test-'))
afterAll(() => {
  ns.close()
  rmSync(directory, { recursive: true })
})

describe('place', () => {
  test('a program begins in the namespace, and no thread of ours is seen there', async () => {
    const home = networksOfThreads()
    expect(await said(ns, 'readlink /proc/self/ns/net')).toBe(ns.id)
    expect(networksOfThreads()).toEqual(home)
    expect(home).toHaveLength(1)
  })

  test('a program started in another context is in the namespace of its command', async () => {
    using other = NetNs.createSync()
    expect(await other.run(() => said(ns, 'readlink /proc/self/ns/net'))).toBe(ns.id)
  })

  test('it has loopback and nothing else', async () => {
    expect(await said(ns, "sed -n 's/:.*//p' /proc/net/dev | tr -d ' '")).toBe('lo')
  })
})

describe('words', () => {
  test('arguments arrive as they are', async () => {
    const words = ['', ' ', "it's", '"', '$HOME', '*', 'ü\u{1f600}', '-n', '\n\t\u0001', 'x'.repeat(100_000)]
    const { stdout } = await ns.command('printf', ['%s\\0', ...words]).output()
    expect(stdout.toString().split('\0').slice(0, -1)).toEqual(words)
  })

  test('the environment is exactly what is given, a megabyte of it too', async () => {
    const env: Record<string, string> = { PATH: '/usr/bin:/bin', ODD: 'a=b\n\u0001ü', EMPTY: '', 'with space': '1' }
    for (let i = 0; i < 10; i++) env[`BIG${i}`] = `${i}`.repeat(100_000)
    const { stdout } = await ns.command('env', ['-0'], { env, maxBuffer: 2 ** 21 }).output()
    const pairs = stdout
      .toString()
      .split('\0')
      .slice(0, -1)
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
    expect(Object.fromEntries(pairs)).toEqual(env)
  })

  test('without one it is that of this process, as it is at each start', async () => {
    const command = ns.command('sh', ['-c', 'printenv NETNS_TEST_LATE || echo unset'])
    const seen = async () => (await command.output()).stdout.toString().trimEnd()
    expect(await seen()).toBe('unset')
    for (const value of ['set', 'different', 'same length', 'SAME LENGTH', '', 'x'.repeat(100_000), 'short']) {
      process.env['NETNS_TEST_LATE'] = value
      expect(await seen()).toBe(value)
      expect(await seen()).toBe(value)
    }
    delete process.env['NETNS_TEST_LATE']
    expect(await seen()).toBe('unset')
  })

  test('bytes that are no text arrive as they do from Node', async () => {
    const script = `import('node-netns').then(async ({ NetNs }) => {
      const { execFileSync } = require('node:child_process')
      const command = NetNs.createSync().command('printenv', ['NETNS_TEST_ODD'])
      const seen = [execFileSync('printenv', ['NETNS_TEST_ODD']), (await command.output()).stdout, (await command.output()).stdout]
      console.log(seen.map((bytes) => bytes.toString('hex')).join(' '))
    })`
    const argv = [process.execPath, '-e', script]
    const odd = 'export NETNS_TEST_ODD="$(printf "a\\377b\\001")"; exec "$@"'
    const [theirs, ...ours] = (await ns.command('sh', ['-c', odd, 'sh', ...argv]).output()).stdout
      .toString()
      .trim()
      .split(' ')
    expect(theirs).toMatch(/^61.*62010a$/)
    expect(ours).toEqual([theirs, theirs])
  })

  test('it has no NETNS but one that is meant for it: that of this process would send it elsewhere', async () => {
    const seen = async (env?: NodeJS.ProcessEnv) => {
      const { stdout } = await ns.command('sh', ['-c', 'echo "<$NETNS>"'], { env }).output()
      return stdout.toString().trimEnd()
    }
    process.env['NETNS'] = 'red'
    try {
      expect(await seen()).toBe('<>')
      expect(await seen({ ...process.env })).toBe('<>')
      expect(await seen({ ...process.env, NETNS: 'blue' })).toBe('<blue>')
    } finally {
      delete process.env['NETNS']
    }
  })

  test('an object that took the place of this process’s is followed too', async () => {
    const command = ns.command('sh', ['-c', 'printenv NETNS_TEST_LATE || echo unset'])
    const seen = async () => (await command.output()).stdout.toString().trimEnd()
    const { env } = process
    try {
      for (const other of [
        { ...env },
        Object.create(Object.getPrototypeOf(env), Object.getOwnPropertyDescriptors(env))
      ]) {
        process.env = other
        expect(await seen()).toBe('unset')
        other.NETNS_TEST_LATE = 'in the object alone'
        expect(await seen()).toBe('in the object alone')
        expect(Object.getOwnPropertySymbols(other)).toEqual([])
      }
    } finally {
      process.env = env
    }
    expect(await seen()).toBe('unset')
  })

  test('a Worker’s own environment is that of its programs', async () => {
    const body = `
      const { parentPort, workerData } = require('node:worker_threads')
      import(workerData.library).then(async ({ NetNs }) => {
        const command = NetNs.fromFd(workerData.fd).command('sh', ['-c', 'echo "$NETNS_TEST_OWN"'])
        const seen = async () => (await command.output()).stdout.toString().trim()
        const first = await seen()
        process.env.NETNS_TEST_OWN = 'later'
        parentPort.postMessage([first, await seen()])
      })`
    const workerData = { library: pathToFileURL(join(process.cwd(), 'dist/index.js')).href, fd: ns.fd }
    for (const shared of [false, true]) {
      process.env['NETNS_TEST_OWN'] = 'own'
      const worker = new Worker(body, { eval: true, workerData, ...(shared ? { env: SHARE_ENV } : {}) })
      expect(await once(worker, 'message')).toEqual([['own', 'later']])
      await worker.terminate()
      expect(await said(ns, 'echo "$NETNS_TEST_OWN"')).toBe(shared ? 'later' : 'own')
      delete process.env['NETNS_TEST_OWN']
    }
  })

  test('a name is looked for in the PATH of the child', async () => {
    writeFileSync(join(directory, 'only-here'), '#!/bin/sh\necho found $0\n', { mode: 0o755 })
    const { stdout } = await ns.command('only-here', [], { env: { PATH: `/nowhere:${directory}` } }).output()
    expect(stdout.toString()).toBe(`found ${directory}/only-here\n`)
  })

  test('a script without an interpreter is run by sh, as by Node', async () => {
    writeFileSync(join(directory, 'bare'), 'echo bare "$1"\n', { mode: 0o755 })
    expect((await ns.command(join(directory, 'bare'), ['word']).output()).stdout.toString()).toBe('bare word\n')
  })

  test('the working directory is the one given', async () => {
    expect(await said(ns, 'pwd', { cwd: directory })).toBe(directory)
    expect(await said(ns, 'pwd', { cwd: new URL(`file://${directory}`) })).toBe(directory)
    expect(await said(ns, 'pwd')).toBe(process.cwd())
  })
})

describe('descriptors', () => {
  test('nothing but the standard streams is inherited, not even what is not close-on-exec', async () => {
    // Node opens everything close-on-exec; a descriptor that a shell left open for it is not.
    expect(await said(ns, 'ls /proc/self/fd | tr "\\n" " "')).toBe('0 1 2 3')
    const script = `import('node-netns').then(async ({ NetNs }) => {
      const { stdout } = await NetNs.createSync().command('ls', ['/proc/self/fd']).output()
      process.stdout.write(stdout.toString().replaceAll('\\n', ' '))
    })`
    const argv = ['-c', 'exec 7</dev/null; exec "$@"', 'sh', process.execPath, '-e', script]
    expect((await ns.command('sh', argv).output()).stdout.toString()).toBe('0 1 2 3 ')
  })

  test('a descriptor, a stream and further pipes arrive where they are wanted', async () => {
    const path = join(directory, 'out')
    const fd = openSync(path, 'w')
    const child = ns
      .command('sh', ['-c', 'echo to the file; echo error >&2; echo four >&4; cat <&4 >&4'], {
        stdio: ['ignore', fd, fd, 'ignore', 'pipe']
      })
      .spawn()
    // The command has a copy.
    closeSync(fd)
    const four = child.stdio[4] as unknown as import('node:net').Socket
    four.end('five')
    expect(await text(four)).toBe('four\nfive')
    await events(child).catch(() => {})
    expect(readFileSync(path, 'utf8')).toBe('to the file\nerror\n')
    expect([child.stdin, child.stdout, child.stderr]).toEqual([null, null, null])
  })

  test('"ignore" is /dev/null', async () => {
    const child = ns
      .command('sh', ['-c', 'readlink /proc/self/fd/0 /proc/self/fd/2'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .spawn()
    expect(await text(outputOf(child))).toBe('/dev/null\n/dev/null\n')
  })

  test('standard streams are waited on even if ours are not', async () => {
    const child = ns.command('sh', ['-c', 'grep flags /proc/self/fdinfo/1']).spawn()
    const flags = Number.parseInt((await text(outputOf(child))).replace(/\D/g, ''), 8)
    expect(flags & 0o4000).toBe(0)
  })

  test('input is written and ended', async () => {
    const input = Buffer.alloc(300_000, 'ab')
    const { stdout } = await ns.command('cat', [], { input }).output()
    expect(stdout.equals(input)).toBe(true)
    expect((await ns.command('cat', [], { input: 'ü' }).output()).stdout.toString()).toBe('ü')
    expect(await ns.command('grep', ['-q', 'needle'], { input: 'needle' }).status()).toEqual({ code: 0, signal: null })
  })

  test('a child that does not read its input is no failure', async () => {
    expect(await ns.command('true', [], { input: 'x'.repeat(1_000_000) }).status()).toEqual({ code: 0, signal: null })
  })
})

describe('signals', () => {
  test('all are as at a program’s start', async () => {
    // Node ignores SIGPIPE, and handles others.
    process.on('SIGUSR2', () => {})
    const { stdout } = await ns.command('cat', ['/proc/self/status']).output()
    expect(stdout.toString().match(/(?<=^Sig(Blk|Ign|Cgt):\t)[0-9a-f]{16}/gm)).toEqual(Array(3).fill('0'.repeat(16)))
    process.removeAllListeners('SIGUSR2')
  })
})

test('from a working directory that was deleted a program still starts, as with Node', async () => {
  const gone = mkdtempSync(join(tmpdir(), 'netns-gone-'))
  const code = `import('node-netns').then(async ({ NetNs }) => {
    const command = NetNs.createSync().command('/bin/true')
    process.chdir('${gone}')
    require('node:fs').rmdirSync('${gone}')
    console.log((await command.status()).code)
  })`
  const { stdout, stderr } = await ns.command(process.execPath, ['-e', code]).output()
  expect(`${stdout}${stderr}`).toBe('0\n')
})
