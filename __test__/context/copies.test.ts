/** Several copies of the library in one process know of each other's contexts: the innermost one holds. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { offlineArgv } from '../offline/offline.mjs'

const program = fileURLToPath(new URL('./programs/copies.mjs', import.meta.url))

function inside(name: string, address: string) {
  return {
    fetch: name,
    http: name,
    net: name,
    look: address,
    resolve: address,
    spawn: name,
    spawnSync: name,
    worker: name,
    interfaces: 'lo',
    current: name,
    'current, says the other': name
  }
}

const home = {
  ...inside('home', 'EAI_AGAIN'),
  fetch: 'ENETUNREACH',
  http: 'ENETUNREACH',
  net: 'ENETUNREACH',
  resolve: 'ECONNREFUSED',
  interfaces: ''
}

describe.each([
  ['folder', 'from another folder'],
  ['realm', 'in a context of vm, as in a file of tests of Jest']
])('a second copy %s', (kind) => {
  it.each(['red', 'blue'])('is apart, and the innermost context holds, whoever is first: %s', async (first) => {
    const flags = ['--no-warnings', '--experimental-vm-modules']
    const [file, ...args] = offlineArgv([process.execPath, ...flags, program, kind, first])
    const { stdout } = await promisify(execFile)(file as string, args)
    const [red, blue] = [inside('red', '127.0.0.2'), inside('blue', '127.0.0.3')]
    const { current: _, ...outside } = blue
    const told = JSON.parse(stdout)
    expect(told).toMatchObject({ apart: true, red, blue, home, 'red in blue': red, 'blue in red': blue })
    expect(told['red, while the other is outside in blue']).toEqual(red)
    expect(told['outside in blue']).toMatchObject(outside)
    expect(told.listeners).toEqual({ where: ['red', 'blue', 'home'], left: [0, 0, 0, 0] })
    // Each would give a name to what the other has given one, and so on for every request.
    expect(told['agents that were given names of their own']).toBe(0)
  })
})
