/** Whose end is whose. */
import { readFileSync } from 'node:fs'
import { NetNs } from 'node-netns'
import { afterAll, expect, test } from 'vitest'
import { other } from '../offline/users.mjs'
import { firstLine, nodeArguments, runs, until } from './support.ts'

const ns = NetNs.createSync()
afterAll(() => ns.close())

/** A process that starts a child; its pid, and the child's. */
async function family(...args: string[]) {
  const parent = ns.command(process.execPath, [...nodeArguments('./parent.fixture.ts'), ...args]).spawn()
  const child = Number(await firstLine(parent))
  return { parent, child, over: new Promise((resolve) => parent.on('exit', resolve)) }
}

test('a child outlives its parent, in its namespace', async () => {
  const { parent, child, over } = await family('free')
  parent.kill('SIGKILL')
  await over
  expect(runs(child)).toBe(true)
  expect(NetNs.fromPid(child).closed).toBe(false)
  process.kill(child, 'SIGKILL')
  await until(() => !runs(child))
})

test('a bound one does not, however the parent ends', async () => {
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const { parent, child, over } = await family('bound')
    expect(runs(child)).toBe(true)
    parent.kill(signal)
    await over
    await until(() => !runs(child))
  }
})

test('a bound one that becomes another user does not either, which undoes the tie unless that comes last', async () => {
  const { parent, child, over } = await family('bound', 'named')
  expect(readFileSync(`/proc/${child}/status`, 'utf8')).toContain(`\nUid:\t${other ?? 0}\t`)
  parent.kill('SIGKILL')
  await over
  await until(() => !runs(child))
})

test('a bound one lives on while threads of the parent come and go', async () => {
  const { parent, child, over } = await family('bound', 'threads')
  expect(await new Promise((resolve) => parent.stdout?.once('data', (line) => resolve(`${line}`)))).toBe(
    'threads ended\n'
  )
  expect(runs(child)).toBe(true)
  parent.kill('SIGKILL')
  await over
  await until(() => !runs(child))
})
