/** The short form of `npm run soak`: a thousand connections, one exchange each, in a process that has no network. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { offlineArgv } from '../offline/offline.mjs'

const sizes = ['--namespaces', '20', '--connections', '25', '--seconds', '0']
const program = fileURLToPath(new URL('./programs/soak.mjs', import.meta.url))

/** The program and its arguments, in a process that has no network. */
const argv = () => offlineArgv([process.execPath, '--expose-gc', program, ...sizes])

it('many connections in many namespaces: none lost, none elsewhere, nothing left behind', async () => {
  const [file, ...args] = argv()
  const { stdout } = await promisify(execFile)(file as string, args)
  expect(stdout).toMatch(/^20 namespaces × 25 connections, .* with 500 exchanges: none lost, none elsewhere/)
})

it('a connection for which there is no descriptor ends it, rather than being waited for', async () => {
  await expect(promisify(execFile)('prlimit', ['--nofile=200:200', ...argv()])).rejects.toThrow('EMFILE')
})
