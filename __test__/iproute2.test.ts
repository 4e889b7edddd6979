import { execFile } from 'node:child_process'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { beforeEach, describe, expect, test } from 'vitest'
import { missing } from './config/wire.ts'

const ROUNDS = 25
const run = promisify(execFile)

async function ip(...args: string[]): Promise<{ stdout: string }> {
  try {
    return await run('ip', args)
  } catch (error) {
    throw (error as { code?: unknown }).code === 'ENOENT' ? missing('ip') : error
  }
}

async function theirs(): Promise<string[]> {
  const { stdout } = await ip('netns', 'list')
  return stdout.split('\n').flatMap((line) => line.split(' ')[0] || [])
}

describe('I5: names are shared with ip netns', () => {
  // Before there is anything that would be left.
  beforeEach(async () => void (await ip('-V')))

  test('each sees, enters and deletes what the other made', async () => {
    await using ours = await NetNs.create({ name: 'i5-ours' })
    await ip('netns', 'add', 'i5-theirs')
    const names = (await NetNs.list()).map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(['i5-ours', 'i5-theirs']))
    expect(await theirs()).toEqual(expect.arrayContaining(['i5-ours', 'i5-theirs']))
    const { stdout } = await ip('netns', 'exec', 'i5-ours', 'readlink', '/proc/self/ns/net')
    expect(stdout.trim()).toBe(ours.id)
    using opened = NetNs.fromName('i5-theirs')
    expect(await opened.names()).toEqual(['i5-theirs'])
    await NetNs.delete('i5-theirs')
    await ip('netns', 'delete', 'i5-ours')
    expect(await theirs()).not.toEqual(expect.arrayContaining(['i5-theirs']))
    expect((await NetNs.list()).map(({ name }) => name)).not.toContain('i5-ours')
  })

  test('both make and delete names at the same time, and nothing is lost or left', async () => {
    const us = async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const name = `i5-us-${round}`
        const created = await NetNs.create({ name })
        await ip('netns', 'exec', name, 'true')
        created.close()
        await NetNs.delete(name)
      }
    }
    const them = async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const name = `i5-them-${round}`
        await ip('netns', 'add', name)
        NetNs.fromName(name).close()
        await ip('netns', 'delete', name)
        await setImmediate()
      }
    }
    await Promise.all([us(), them()])
    expect((await NetNs.list()).filter(({ name }) => /^i5-(us|them)-/.test(name))).toEqual([])
    expect((await NetNs.listStale()).filter((name) => /^i5-(us|them)-/.test(name))).toEqual([])
  })

  test('both fight for one name, and it is always somebody’s or nobody’s', async () => {
    const name = 'i5-contended'
    const tolerate = (codes: unknown[]) => (error: { code?: unknown; stderr?: string }) => {
      if (error.stderr === undefined && !codes.includes(error.code)) throw error
    }
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([
        NetNs.create({ name }).then((made) => made.close(), tolerate(['EEXIST'])),
        ip('netns', 'add', name).catch(tolerate([1])),
        NetNs.delete(name).catch(tolerate(['ENOENT'])),
        ip('netns', 'delete', name).catch(tolerate([1]))
      ])
    }
    // Whatever a lost race left, one deletion clears it.
    await NetNs.delete(name).catch(tolerate(['ENOENT']))
    expect((await NetNs.list()).map((found) => found.name)).not.toContain(name)
    await using again = await NetNs.create({ name })
    expect(await again.names()).toEqual([name])
    await NetNs.delete(name)
  })
})
