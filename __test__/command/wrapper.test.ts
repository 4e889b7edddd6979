/** Executables that run programs inside, and the helper that does it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { NetNs } from 'node-netns'
import { afterAll, describe, expect, test } from 'vitest'
import { native } from '../../lib/native.ts'
import { other } from '../offline/users.mjs'
import { nodeArguments } from './support.ts'

const ns = NetNs.createSync()
const directory = mkdtempSync(join(tmpdir(), 'netns-test-'))
afterAll(() => {
  ns.close()
  rmSync(directory, { recursive: true })
})

describe('wrapper', () => {
  test('runs any program inside, with its arguments as they are', () => {
    using wrapper = ns.wrapper()
    expect(execFileSync(wrapper.path, ['readlink', '/proc/self/ns/net'], { encoding: 'utf8' })).toBe(`${ns.id}\n`)
    const words = ['', "it's", '"$HOME"', 'ü', '-n', '--']
    expect(execFileSync(wrapper.path, ['printf', '%s|', ...words], { encoding: 'utf8' })).toBe(
      words.map((word) => `${word}|`).join('')
    )
  })

  test('runs one program, with arguments that come first', () => {
    using wrapper = ns.wrapper({ file: 'printf', args: ["%s'%s", 'first'], directory })
    expect(wrapper.path.startsWith(directory)).toBe(true)
    expect(execFileSync(wrapper.path, ['second'], { encoding: 'utf8' })).toBe("first'second")
  })

  test('needs no shell, unless it is where the kernel would not find the helper', () => {
    const places = ['plain', 'with blank', 'x'.repeat(240)].map((name) => join(directory, name))
    const firstLines = places.map((place) => {
      mkdirSync(place)
      using wrapper = ns.wrapper({ file: 'printf', args: ['%s|', "it's", '', '$HOME'], directory: place })
      expect(execFileSync(wrapper.path, ['ü', '--'], { encoding: 'utf8' })).toBe("it's||$HOME|ü|--|")
      return readFileSync(wrapper.path, 'utf8').split('\n')[0]
    })
    expect(firstLines).toEqual([expect.stringMatching(/netns-exec -f$/), '#!/bin/sh', '#!/bin/sh'])
  })

  test('leaves the environment as it is', () => {
    using wrapper = ns.wrapper({ file: '/usr/bin/env', args: ['-0'] })
    const env = { 'odd name': '1', A: 'x\ny' }
    expect(execFileSync(wrapper.path, { env, encoding: 'utf8' })).toBe('odd name=1\0A=x\ny\0')
  })

  test('passes descriptors, environment, exit code and signals on', async () => {
    using wrapper = ns.wrapper({ file: 'sh' })
    const child = spawn(wrapper.path, ['-c', 'echo $GREETING >&4; kill -USR1 $$'], {
      stdio: ['ignore', 'ignore', 'inherit', 'ignore', 'pipe'],
      env: { ...process.env, GREETING: 'hello' }
    })
    const ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve([code, signal])))
    expect(await text(child.stdio[4] as NodeJS.ReadableStream)).toBe('hello\n')
    expect(await ended).toEqual([null, 'SIGUSR1'])
    expect(spawnSync(wrapper.path, ['-c', 'exit 9']).status).toBe(9)
  })

  test('has the options of a command', () => {
    const script = 'pwd; id -u; id -g; grep -E "^(CapEff|NoNewPrivs)" /proc/self/status'
    const run = (user: number, groups?: number[]) => {
      using wrapper = ns.wrapper({ file: 'sh', cwd: '/', uid: user, gid: user, groups, capabilities: [] })
      const { stdout, stderr, status } = spawnSync(wrapper.path, ['-c', script], { encoding: 'utf8' })
      return { stdout, stderr, status }
    }
    const user = other ?? 0
    const stdout = `/\n${user}\n${user}\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n`
    // Where there is one user alone, nobody else can be had and no group be dropped.
    expect(run(user, other === undefined ? undefined : [])).toEqual({ stdout, stderr: '', status: 0 })
    if (other === undefined) {
      expect(run(65_534)).toEqual({ stdout: '', stderr: 'netns-exec: setgid 22 \n', status: 126 })
      expect(run(0, [])).toEqual({ stdout: '', stderr: 'netns-exec: setgroups 1 \n', status: 126 })
    } else {
      using wrapper = ns.wrapper({ file: 'id', uid: user, gid: user, groups: [] })
      expect(execFileSync(wrapper.path, ['-G'], { encoding: 'utf8' })).toBe(`${user}\n`)
    }
  })

  test('covers /sys', () => {
    using wrapper = ns.wrapper({ file: 'ls', sysfs: true })
    expect(execFileSync(wrapper.path, ['/sys/class/net'], { encoding: 'utf8' })).toBe('lo\n')
  })

  test('keeps the namespace alive, and is gone when disposed of', () => {
    const short = NetNs.createSync()
    const wrapper = short.wrapper()
    const { id } = short
    short.close()
    expect(execFileSync(wrapper.path, ['readlink', '/proc/self/ns/net'], { encoding: 'utf8' })).toBe(`${id}\n`)
    wrapper.dispose()
    wrapper.dispose()
    expect(existsSync(wrapper.path)).toBe(false)
  })

  test('is gone when the process ends', async () => {
    const parent = join(directory, 'left')
    mkdirSync(parent)
    const { stdout } = await ns.command(process.execPath, [...nodeArguments('./wrapper.fixture.ts'), parent]).output()
    expect(stdout.toString()).toBe('1\n')
    expect(readdirSync(parent)).toEqual([])
  })

  test('refuses what makes no sense', () => {
    expect(() => ns.wrapper({ args: ['a'] })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }))
    expect(() => ns.wrapper({ file: '' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARG_VALUE' }))
    const closed = NetNs.createSync()
    closed.close()
    expect(() => closed.wrapper()).toThrow(expect.objectContaining({ code: 'ERR_NETNS_CLOSED' }))
    expect(() => ns.wrapper({ directory: '/no/such/directory' })).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  })
})

describe('helper', () => {
  const helper = join(directory, 'netns-exec')
  writeFileSync(helper, native().helper(), { mode: 0o755 })

  test('is small and needs nothing, not even a file system', () => {
    expect(statSync(helper).size).toBeLessThan(60_000)
    const root = mkdtempSync(join(directory, 'root-'))
    execFileSync('cp', [helper, root])
    // In an empty root it finds itself and nothing else.
    const { status } = spawnSync('chroot', [root, '/netns-exec', '--', '/netns-exec', '-l', '--', '/nothing'])
    expect(status).toBe(127)
  })

  test('tells its failures as data where that is wanted, and the program does not get the descriptor', () => {
    const report = (...argv: string[]) => {
      const { output, status } = spawnSync(helper, ['-r', '3', ...argv], {
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        encoding: 'utf8'
      })
      return { told: output[3], said: output[1], status }
    }
    expect(report('-n', '/no/such/net', '--', 'true')).toEqual({ told: 'open 2 /no/such/net\n', said: '', status: 126 })
    expect(report('-n', '/etc/passwd', '--', 'true')).toEqual({ told: 'setns 22 /etc/passwd\n', said: '', status: 126 })
    expect(report('-C', '/no/such', '--', 'true')).toEqual({ told: 'chdir 2 /no/such\n', said: '', status: 126 })
    expect(report('--', 'no-such-program')).toEqual({ told: 'execve 2 no-such-program\n', said: '', status: 127 })
    expect(report('--', 'sh', '-c', '[ -e /proc/$$/fd/3 ] || echo closed')).toEqual({
      told: '',
      said: 'closed\n',
      status: 0
    })
  })

  test('refuses a namespace that took the place of another', () => {
    const path = `/proc/${process.pid}/fd/${ns.fd}`
    const right = ['-n', path, '-i', `${ns.dev}:${ns.inode}`, '--', 'readlink', '/proc/self/ns/net']
    expect(execFileSync(helper, right, { encoding: 'utf8' })).toBe(`${ns.id}\n`)
    const wrong = ['-n', path, '-i', `${ns.dev}:1`, '--', 'true']
    expect(spawnSync(helper, wrong, { encoding: 'utf8' }).stderr).toBe(`netns-exec: setns 3 ${path}\n`)
  })

  test('brings lo up when asked', () => {
    using bare = NetNs.createSync({ loopback: false })
    const flags = 'cat /sys/class/net/lo/flags'
    const run = (...more: string[]) =>
      execFileSync(helper, ['-n', `/proc/${process.pid}/fd/${bare.fd}`, ...more, '-s', '--', 'sh', '-c', flags], {
        encoding: 'utf8'
      })
    expect(run()).toBe('0x8\n')
    expect(run('-l')).toBe('0x9\n')
  })

  test('refuses a file without words', () => {
    const file = join(directory, 'words')
    for (const text of ['', 'no line', '#!/x -f\n', '#!/x -f\n--', '#!/x -f\n--\0true']) {
      writeFileSync(file, text)
      const { stderr, status } = spawnSync(helper, ['-f', file], { encoding: 'utf8' })
      expect({ stderr, status }).toEqual({ stderr: `netns-exec: arguments 22 ${file}\n`, status: 126 })
    }
    expect(spawnSync(helper, ['-f']).status).toBe(126)
    writeFileSync(file, '\n--\0printf\0%s|\0')
    expect(spawnSync(helper, ['-f', file, 'more'], { encoding: 'utf8' }).stdout).toBe('more|')
  })

  test('refuses options it does not know', () => {
    for (const argv of [['-x', '--', 'true'], ['-u', 'root', '--', 'true'], ['--'], []]) {
      expect(spawnSync(helper, argv).status).toBe(126)
    }
  })
})
