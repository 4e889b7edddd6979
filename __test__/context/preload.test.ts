/** `node --import node-netns/register` with NETNS: a program that knows nothing of us lives in that namespace. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { offlineArgv } from '../offline/offline.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const unaware = program('unaware.mjs')
const name = 'preload'

beforeAll(() => NetNs.createSync({ name }).close())
afterAll(() => NetNs.deleteSync(name))

function program(file: string): string {
  return fileURLToPath(new URL(`./programs/${file}`, import.meta.url))
}

async function run(flags: string[], env: Record<string, string>, script = unaware) {
  const [file, ...args] = offlineArgv([process.execPath, ...flags, script])
  return promisify(execFile)(file, args, { cwd: root, env: { ...process.env, ...env } })
}

it('NETNS is the whole network of a program', async () => {
  const { stdout } = await run(['--import', 'node-netns/register'], { NETNS: name })
  using place = NetNs.fromName(name)
  expect(JSON.parse(stdout)).toEqual({ net: 'reached', fetch: 'reached', lookup: '127.0.0.1', child: place.id })
})

it('under NETNS nothing enters a context, as those cost Node 20 and 22 a tenth', async () => {
  const { stdout } = await run(['--import', 'node-netns/register'], { NETNS: name }, program('no-contexts.mjs'))
  expect(JSON.parse(stdout)).toEqual({ text: 'reached', entered: 0 })
})

it('without NETNS the program stays at home, where this one has no network', async () => {
  await expect(run(['--import', 'node-netns/register'], {})).rejects.toThrow(/ENETUNREACH/)
})

it('a NETNS that does not exist is an error, never home', async () => {
  await expect(run(['--import', 'node-netns/register'], { NETNS: 'nowhere' })).rejects.toThrow(/ENOENT/)
})

it.each(['--import', '--require'])(
  'what is started elsewhere does not go by NETNS, however deep (%s)',
  async (flag) => {
    const blue = 'preload-blue'
    NetNs.createSync({ name: blue }).close()
    try {
      const { stdout } = await run([flag, 'node-netns/register'], { NETNS: name, BLUE: blue }, program('named.mjs'))
      expect(JSON.parse(stdout)).toEqual(['home', 'blue', 'red', '', 'home'])
    } finally {
      NetNs.deleteSync(blue)
    }
  }
)
