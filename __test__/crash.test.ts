import { readdirSync } from 'node:fs'
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { codeOf, directory, mountsIn, program } from './helpers.ts'

const CRASHES = 100
const AT_ONCE = 4

/** Makes and deletes one name until it is killed; each attempt is told before it starts. */
const VICTIM = `
  import { NetNs } from 'node-netns'
  const options = { directory: process.argv[1] }
  const name = process.argv[2]
  process.stdout.write('x')
  for (let round = 0; ; round++) {
    if (round % 2) { await NetNs.create({ name, ...options }); await NetNs.delete(name, options) }
    else { NetNs.createSync({ name, ...options }); NetNs.deleteSync(name, options) }
  }
`

/** Kills a victim `delay` microseconds after it began, wherever it is then. */
async function crash(where: string, name: string, delay: number): Promise<void> {
  const victim = program(VICTIM, { args: [where, name], bare: true })
  await new Promise((resolve, reject) =>
    victim.stdout.once('data', resolve).once('end', () => reject(new Error('it never began')))
  )
  const until = process.hrtime.bigint() + BigInt(delay) * 1000n
  while (process.hrtime.bigint() < until) await new Promise(setImmediate)
  victim.kill('SIGKILL')
  const [, signal] = await new Promise<unknown[]>((resolve) => victim.once('exit', (...args) => resolve(args)))
  expect(signal).toBe('SIGKILL')
}

test('I4: whatever kill -9 leaves, the next create or delete recovers', { timeout: 120_000 }, async () => {
  const options = { directory: directory() }
  // The first one makes the directory a mount, which the victims share.
  await NetNs.create({ name: 'first', ...options })
  const seen = { nothing: 0, name: 0, leftover: 0 }
  const lane = async (first: number) => {
    for (let round = first; round < CRASHES; round += AT_ONCE) {
      const name = `ns${round}`
      await crash(options.directory, name, Math.floor(Math.random() * 20_000))
      const stale = (await NetNs.listStale(options)).includes(name)
      const exists = (await NetNs.list(options)).some((found) => found.name === name)
      seen[exists ? 'name' : stale ? 'leftover' : 'nothing']++
      if (exists || round % 2) {
        expect(await codeOf(() => NetNs.delete(name, options))).toBe(exists || stale ? 'no error' : 'ENOENT')
      }
      // A leftover is taken over, and so is nothing at all.
      await using again = await NetNs.create({ name, ...options })
      expect(await again.names(options)).toEqual([name])
      await NetNs.delete(name, options)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, first) => lane(first)))
  expect(seen.nothing + seen.name + seen.leftover).toBe(CRASHES)
  expect(readdirSync(options.directory)).toEqual(['first'])
  expect(mountsIn(`${options.directory}/ns`)).toBe(0)
})
