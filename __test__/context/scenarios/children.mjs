/** Children that are waited for, whatever starts them and whatever Node lets be seen of that. */
import assert from 'node:assert/strict'
import childProcess from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import { later, namespace } from '../../offline/kit.mjs'
import { other, otherReads } from '../../offline/users.mjs'

const READ = ['/proc/self/ns/net']
const program = (name) => fileURLToPath(new URL(`../programs/${name}`, import.meta.url))

export default {
  'a mock from before the first context takes no children or look-ups home when it is taken off': async () => {
    const { stdout } = await promisify(childProcess.execFile)(process.execPath, [
      '--no-warnings',
      program('mocked.mjs')
    ])
    const captured = 'ERR_NETNS_CAPTURED'
    const children = { spawnSync: 'inside', execSync: 'inside', execFileSync: 'inside' }
    assert.deepEqual(JSON.parse(stdout), {
      mocked: { ...children, calls: 1 },
      restored: { ...children, lookup: '192.0.2.1', 'promises.lookup': captured, 'promises.lookupService': captured },
      bound: { ...children, networkInterfaces: 'lo' }
    })
  },
  'a child that is waited for is inside whatever starts it: what Node calls for it, taken by a program': async () => {
    const red = namespace()
    const { spawn } = process.binding('spawn_sync')
    const pipe = { type: 'pipe', readable: false, writable: true }
    const options = { file: '/usr/bin/env', args: ['env', 'readlink', ...READ], stdio: [{ type: 'ignore' }, pipe] }
    const where = () => {
      const { output, status } = process.binding('spawn_sync').spawn(options)
      assert.deepEqual([output.length, output[0], status], [2, null, 0])
      return String(output[1]).trim()
    }
    assert.equal(red.run(where), red.id)
    assert.equal(where(), readlinkSync('/proc/self/ns/net'))
    NetNs.outside('deny')
    assert.throws(where, { code: 'ERR_NETNS_OUTSIDE' })
    NetNs.outside(red)
    assert.equal(where(), red.id)
    process.env.NETNS = 'green'
    later(() => delete process.env.NETNS)
    const print = { ...options, args: ['env', 'sh', '-c', 'echo "<$NETNS>"'] }
    assert.equal(String(process.binding('spawn_sync').spawn(print).output[1]), '<>\n')
    assert.equal(spawn.name, 'spawn')
  },
  'where children are not started by what Node shows, the functions that start them are hooked': async () => {
    const argv = ['--no-warnings', program('hidden-binding.mjs')]
    const { stdout } = await promisify(childProcess.execFile)(process.execPath, argv)
    assert.equal(stdout, 'true true true\n')
  },
  'without privileges, also in a process that nobody may look into': async () => {
    if (process.getuid() !== 0 || !otherReads()) return
    const argv = ['--no-warnings', program('undumpable.mjs'), String(other)]
    const { stdout } = await promisify(childProcess.execFile)(process.execPath, argv)
    assert.equal(stdout, 'true true true true\n')
  },
  'under the permission model, what is permitted is inside, and all else is refused as by Node': async () => {
    const knows = (flag) => process.allowedNodeEnvironmentFlags.has(flag)
    const model = knows('--permission') ? '--permission' : '--experimental-permission'
    const permit = async (...flags) => {
      const argv = ['--no-warnings', model, '--allow-addons', '--allow-fs-read=*', ...flags, program('permitted.mjs')]
      const { stdout } = await promisify(childProcess.execFile)(process.execPath, argv)
      const { command, ...told } = JSON.parse(stdout)
      // Some Nodes count streams of pipes as the network.
      assert.ok(command === 'inside' || (command === denied && told.socket === denied), command)
      return told
    }
    const denied = 'ERR_ACCESS_DENIED'
    const net = knows('--allow-net') ? ['--allow-net'] : []
    const socket = net.length > 0 ? denied : 'inside'
    const nothing = {
      socket,
      child: denied,
      'waiting child': denied,
      worker: denied,
      'command without pipes': 'inside'
    }
    assert.deepEqual(await permit(), nothing)
    assert.deepEqual(await permit('--allow-child-process'), { ...nothing, child: 'inside', 'waiting child': 'inside' })
    assert.deepEqual(await permit('--allow-worker', ...net), { ...nothing, socket: 'inside', worker: 'inside' })
  }
}
