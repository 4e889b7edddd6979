import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { types } from 'node:util'
import { NetNs, NetnsError } from 'node-netns'
import { expect, test } from 'vitest'
import { directory, root } from './helpers.ts'

async function caught(call: () => unknown): Promise<NetnsError> {
  try {
    await call()
  } catch (error) {
    return error as NetnsError
  }
  throw new Error('nothing was thrown')
}

test('I9: a system error has the shape of Node’s', async () => {
  const options = { directory: directory() }
  const calls = [
    () => NetNs.fromName('red', options),
    () => NetNs.delete('red', options),
    () => NetNs.deleteSync('red', options)
  ]
  for (const call of calls) {
    const error = await caught(call)
    expect(error).toBeInstanceOf(NetnsError)
    expect(error).toMatchObject({ name: 'NetnsError', code: 'ENOENT', errno: -2, path: `${options.directory}/red` })
    expect(error.syscall).toMatch(/^(open|lstat)$/)
    expect(error.message).toMatch(/^ENOENT: no such file or directory, (open|lstat) '.*\/red': cannot .*'red'/)
    expect(types.isNativeError(error)).toBe(true)
    expect(Object.keys(error).sort()).toEqual(['code', 'errno', 'path', 'syscall'])
  }
})

test('I9: an error tells the remedy, and keeps the caller’s stack', async () => {
  const error = await caught(async function caller() {
    await NetNs.create({ name: 'red', directory: '/proc/nowhere' })
  })
  expect(error).toMatchObject({ code: 'ENOENT', syscall: 'mkdir' })
  expect(error.stack).toContain('errors.test.ts')
  expect((await caught(() => NetNs.fromName('nobody'))).message).toContain('`ip netns list` shows')
  expect((await caught(() => NetNs.fromPid(2 ** 31 - 1))).message).toContain('No such process')
})

test('I9: errors of ours have a code and no errno', async () => {
  const error = await caught(() => NetNs.fromPath('/proc/cpuinfo'))
  expect(error).toMatchObject({ code: 'ERR_NETNS_NOT_NAMESPACE', path: '/proc/cpuinfo' })
  expect(Object.keys(error).sort()).toEqual(['code', 'path'])
  expect((error as unknown as Record<symbol, unknown>)[Symbol.for('node-netns.error')]).toBe(true)
})

test('I9: docs/errors.md lists every code there is, and no other', () => {
  const code = /\bERR_NETNS_[A-Z]+(?:_[A-Z]+)*\b/g
  const used = new Set(
    ['lib', 'crates']
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(root, folder, file))
      )
      .filter((file) => /\.(ts|rs)$/.test(file))
      .flatMap((file) => readFileSync(file, 'utf8').match(code) ?? [])
  )
  const documented = new Set(readFileSync(join(root, 'docs/errors.md'), 'utf8').match(/(?<=^\| `)ERR_NETNS_[A-Z_]+/gm))
  expect([...documented].sort()).toEqual([...used].sort())
})
