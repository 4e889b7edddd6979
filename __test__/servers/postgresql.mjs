/** pg against PostgreSQL. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { later, namespace, program, reachable } from '../offline/kit.mjs'

export const needs = { psql: 'postgresql' }

const folder = '/usr/lib/postgresql'
const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))

/** Its programs refuse to run as root. */
function tools() {
  const [newest] = readdirSync(folder).sort((a, b) => Number(b) - Number(a))
  const user = { uid: id('-u'), gid: id('-g'), cwd: '/' }
  return { user, tool: (name) => join(folder, newest, 'bin', name) }
}

async function serve(data, name) {
  const { user, tool } = tools()
  const settings = ['fsync=off', `cluster_name=${name}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const stop = program(tool('postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...user,
    stdio: 'ignore'
  })
  await reachable(5432)
  return stop
}

async function answer(pool) {
  for (;;) {
    try {
      return (await pool.query('SHOW cluster_name')).rows[0].cluster_name
    } catch (error) {
      // 57P03: it listens, but is still starting.
      if (error.code !== '57P03') throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

export default {
  'pools in two namespaces on one port, and a server that restarts': async () => {
    const { user, tool } = tools()
    mkdirSync('/run/postgresql')
    chownSync('/run/postgresql', user.uid, user.gid)
    const data = '/run/postgresql/red'
    execFileSync(tool('initdb'), ['-D', data, '-A', 'trust', '-U', 'test', '--no-sync'], { ...user, stdio: 'ignore' })
    execFileSync('cp', ['-a', data, '/run/postgresql/blue'])
    await Promise.all(
      ['red', 'blue'].map((name) =>
        namespace().run(async () => {
          const stop = await serve(`/run/postgresql/${name}`, name)
          const pool = new pg.Pool({ host: 'localhost', user: 'test', database: 'postgres', max: 3 })
          // Connections that idled when the server stopped.
          pool.on('error', () => {})
          let ended = false
          later(() => ended || pool.end())
          assert.equal(await answer(pool), name)
          const many = await Promise.all(Array.from({ length: 9 }, () => answer(pool)))
          assert.deepEqual(new Set(many), new Set([name]))
          await stop()
          await assert.rejects(pool.query('SELECT 1'))
          const stopAgain = await serve(`/run/postgresql/${name}`, `${name} again`)
          assert.equal(await answer(pool), `${name} again`)
          ended = true
          await pool.end()
          await stopAgain()
        })
      )
    )
  }
}
