/** `npm start` and `npm test` leave nothing, however they end: whatever they started is gone before they are. */
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { eventually, mounts, root } from './helpers.ts'

/** Starts a program that isolates another, which has a child in a session of its own and talks when that runs. */
async function isolated() {
  const mark = `NETNS_TEST_MARK=${randomUUID()}`
  const inner = `
    const { spawn } = require('node:child_process')
    spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).on('spawn', () => console.log(process.pid))
    setInterval(() => {}, 1000)`
  const outer = `
    import { isolate } from '${root}scripts/isolate.mjs'
    process.exitCode = await isolate(['-e', ${JSON.stringify(inner)}])`
  const { NETNS_ISOLATED: _ours, NODE_OPTIONS: _vitests, ...env } = process.env
  const [name = '', value] = mark.split('=')
  const child = spawn(process.execPath, ['--input-type=module', '-e', outer], { env: { ...env, [name]: value } })
  await once(child.stdout, 'data')
  return { child, mark }
}

/** The processes that have a mark in their environment. */
function marked(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(mark)
    } catch {
      return false // It is none, or it ended.
    }
  })
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends all there is', async (signal) => {
  const before = mounts()
  const { child, mark } = await isolated()
  expect(marked(mark).length).toBeGreaterThan(3)
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([128 + constants.signals[signal], null])
  // Where /proc cannot be mounted, they are killed one by one.
  expect(await eventually(() => marked(mark).length === 0)).toBe(true)
  expect(mounts()).toEqual(before)
})
