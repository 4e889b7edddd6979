/** The short form of `npm run soak`: a thousand connections, one exchange each, in a process that has no network. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { offlineArgv } from '../offline/offline.mjs'

const program = fileURLToPath(new URL('./programs/soak.mjs', import.meta.url))

it('many connections in many namespaces: none lost, none elsewhere, nothing left behind', async () => {
  const [file, ...args] = offlineArgv([
    process.execPath,
    '--expose-gc',
    program,
    ...['--namespaces', '20', '--connections', '25', '--seconds', '0']
  ])
  const { stdout } = await promisify(execFile)(file as string, args)
  expect(stdout).toMatch(/^20 namespaces × 25 connections, .* with 500 exchanges: none lost, none elsewhere/)
})
