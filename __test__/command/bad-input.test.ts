/** What a program cannot be started with: an error that tells, and nothing left. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandOptions, NetNs } from 'node-netns'
import { afterAll, describe, expect, test } from 'vitest'
import { children, events } from './support.ts'

const ns = NetNs.createSync()
const directory = mkdtempSync(join(tmpdir(), 'netns-test-'))
afterAll(() => {
  ns.close()
  rmSync(directory, { recursive: true })
})

describe('programs', () => {
  writeFileSync(join(directory, 'plain'), 'text')
  writeFileSync(join(directory, 'orphan'), '#!/no/such/interpreter\n', { mode: 0o755 })

  test.each([
    ['a missing file', '/no/such/program', {}, 'ENOENT', -2],
    ['a missing name', 'no-such-program', {}, 'ENOENT', -2],
    ['a directory', directory, {}, 'EACCES', -13],
    ['a file without run bits', join(directory, 'plain'), {}, 'EACCES', -13],
    ['a script of a missing interpreter', join(directory, 'orphan'), {}, 'ENOENT', -2],
    ['a missing working directory', 'true', { cwd: '/no/such/directory' }, 'ENOENT', -2],
    ['a working directory that is a file', 'true', { cwd: '/etc/passwd' }, 'ENOTDIR', -20],
    ['a descriptor that is not open', 'true', { stdio: ['ignore', 'ignore', 12_345] as const }, 'EBADF', -9]
  ])('%s gives the error that Node gives, by event and by promise', async (_, file, options, code, errno) => {
    const shape = { code, errno, syscall: `spawn ${file}`, path: file, spawnargs: ['word'] }
    await expect(ns.command(file, ['word'], options).status()).rejects.toMatchObject(shape)
    await expect(ns.command(file, ['word'], options).output()).rejects.toMatchObject(shape)
    const child = ns.command(file, ['word'], options).spawn()
    expect(await events(child)).toEqual([
      ['error', expect.objectContaining(shape)],
      ['close', errno, null]
    ])
    expect(child.pid).toBe(undefined)
    expect(child.kill()).toBe(false)
    expect(children()).toEqual([])
  })

  test('the message is Node’s for the program, and names any other step', async () => {
    await expect(ns.command('nope').status()).rejects.toThrow(/^spawn nope ENOENT$/)
    await expect(ns.command('true', [], { cwd: '/nope' }).status()).rejects.toThrow(
      /^spawn true ENOENT: .*chdir '\/nope'/
    )
  })

  test('a list of arguments that is too long', async () => {
    const words = Array(100).fill('x'.repeat(100_000))
    await expect(ns.command('true', words).status()).rejects.toMatchObject({ code: 'E2BIG' })
  })
})

test('a closed namespace is refused before anything is started', async () => {
  const closed = NetNs.createSync()
  const command = closed.command('true')
  closed.close()
  expect(() => command.spawn()).toThrow(expect.objectContaining({ code: 'ERR_NETNS_CLOSED' }))
  await expect(command.status()).rejects.toMatchObject({ code: 'ERR_NETNS_CLOSED' })
  await expect(command.output()).rejects.toMatchObject({ code: 'ERR_NETNS_CLOSED' })
})

describe('arguments', () => {
  const any = (value: unknown) => value as never

  test.each<[string, unknown, unknown, CommandOptions | undefined, string, string]>([
    ['no file', undefined, [], {}, 'ERR_INVALID_ARG_TYPE', '"file"'],
    ['an empty file', '', [], {}, 'ERR_INVALID_ARG_VALUE', '"file"'],
    ['a NUL in the file', 'a\0b', [], {}, 'ERR_INVALID_ARG_VALUE', '"file"'],
    ['arguments that are no array', 'a', any('b'), {}, 'ERR_INVALID_ARG_TYPE', '"args"'],
    ['an argument that is no string', 'a', any(['b', 1]), {}, 'ERR_INVALID_ARG_TYPE', '"args[1]"'],
    ['a NUL in an argument', 'a', ['b\0'], {}, 'ERR_INVALID_ARG_VALUE', '"args[0]"'],
    ['options that are no object', 'a', [], any('b'), 'ERR_INVALID_ARG_TYPE', '"options"'],
    ['an environment that is no object', 'a', [], { env: any('b') }, 'ERR_INVALID_ARG_TYPE', 'options.env'],
    ['a NUL in the environment', 'a', [], { env: { B: '\0' } }, 'ERR_INVALID_ARG_VALUE', "options.env['B']"],
    ['a NUL in the directory', 'a', [], { cwd: '/\0' }, 'ERR_INVALID_ARG_VALUE', 'options.cwd'],
    ['an unknown stdio', 'a', [], { stdio: any('ipc') }, 'ERR_INVALID_ARG_VALUE', 'options.stdio'],
    ['an unknown stdio item', 'a', [], { stdio: any(['pipe', 'nope']) }, 'ERR_INVALID_ARG_VALUE', 'options.stdio[1]'],
    ['a negative descriptor', 'a', [], { stdio: ['pipe', -1] }, 'ERR_INVALID_ARG_VALUE', 'options.stdio[1]'],
    ['a stdio object', 'a', [], { stdio: any([{}]) }, 'ERR_INVALID_ARG_TYPE', 'options.stdio[0]'],
    ['input of another type', 'a', [], { input: any(1) }, 'ERR_INVALID_ARG_TYPE', 'options.input'],
    ['a user that is no number', 'a', [], { uid: any('root') }, 'ERR_INVALID_ARG_TYPE', 'options.uid'],
    ['a negative user', 'a', [], { uid: -1 }, 'ERR_OUT_OF_RANGE', 'options.uid'],
    ['the group that is none', 'a', [], { gid: 2 ** 32 - 1 }, 'ERR_OUT_OF_RANGE', 'options.gid'],
    ['groups that are no array', 'a', [], { groups: any(1) }, 'ERR_INVALID_ARG_TYPE', 'options.groups'],
    [
      'an unknown capability',
      'a',
      [],
      { capabilities: ['NET_RAW', 'CAP_NOPE'] },
      'ERR_INVALID_ARG_VALUE',
      'options.capabilities[1]'
    ],
    [
      'capabilities that are no array',
      'a',
      [],
      { capabilities: any('NET_RAW') },
      'ERR_INVALID_ARG_TYPE',
      'options.capabilities'
    ],
    ['an unknown signal', 'a', [], { killSignal: any('SIGNOPE') }, 'ERR_INVALID_ARG_VALUE', 'options.killSignal'],
    ['a signal out of range', 'a', [], { killSignal: 65 }, 'ERR_INVALID_ARG_VALUE', 'options.killSignal'],
    ['no AbortSignal', 'a', [], { signal: any({}) }, 'ERR_INVALID_ARG_TYPE', 'options.signal'],
    ['a negative timeout', 'a', [], { timeout: -1 }, 'ERR_OUT_OF_RANGE', 'options.timeout'],
    ['a timeout that is no number', 'a', [], { timeout: Number.NaN }, 'ERR_OUT_OF_RANGE', 'options.timeout'],
    ['a negative buffer', 'a', [], { maxBuffer: -1 }, 'ERR_OUT_OF_RANGE', 'options.maxBuffer'],
    ['etc without a name', 'a', [], { etc: true }, 'ERR_INVALID_ARG_VALUE', 'options.etc'],
    ['bound that is no boolean', 'a', [], { bound: any(1) }, 'ERR_INVALID_ARG_TYPE', 'options.bound']
  ])('%s', (_, file, args, options, code, name) => {
    const expected = expect.objectContaining({ code, message: expect.stringContaining(name) })
    expect(() => ns.command(any(file), any(args), options)).toThrow(expected)
  })
})
