/** Who a program is, and what it may do. */

import { NetNs } from 'node-netns'
import { afterAll, describe, expect, test } from 'vitest'
import { other, otherReads } from '../offline/users.mjs'
import { nodeArguments, said } from './support.ts'

const ns = NetNs.createSync()
afterAll(() => ns.close())

const NONE = '0'.repeat(16)

/** Somebody else, by a number that may mean nobody here. */
const SOMEBODY = other ?? 65_534
const somebody = { uid: SOMEBODY, gid: SOMEBODY }

/** What is said where somebody is asked for whom this user namespace does not have. */
const NOBODY = {
  code: 'EINVAL',
  errno: -22,
  syscall: 'spawn sh',
  message: expect.stringContaining('has no such user or group: see /proc/self/uid_map')
}

/** The sets of capabilities of a child's, by their names in proc_pid_status(5). */
async function status(options: object): Promise<Record<string, string>> {
  const lines = await said(ns, 'grep -E "^(Cap|NoNewPrivs|Uid|Gid|Groups)" /proc/self/status', options)
  return Object.fromEntries(lines.split('\n').map((line) => line.split(/:\s*/) as [string, string]))
}

describe('capabilities', () => {
  test('none are left of none, for good', async () => {
    expect(await status({ capabilities: [] })).toMatchObject({
      CapInh: NONE,
      CapPrm: NONE,
      CapEff: NONE,
      CapBnd: NONE,
      CapAmb: NONE,
      NoNewPrivs: '1'
    })
  })

  test('those named are left, by any spelling, and nothing gives more back', async () => {
    const left = '0000000000002400'
    const seen = await status({ capabilities: ['NET_BIND_SERVICE', 'cap_net_raw'] })
    expect(seen).toMatchObject({ CapPrm: left, CapEff: left, CapBnd: left, NoNewPrivs: '0' })
  })

  test('another user keeps those named too', async () => {
    const left = '0000000000000400'
    const capabilities = ['NET_BIND_SERVICE'] as const
    // An ordinary user's namespace may have one user alone, who is root there.
    const user = other ?? 0
    const seen = await status({ capabilities, uid: user, gid: user })
    expect(seen).toMatchObject({ CapEff: left, CapAmb: left, CapBnd: left })
    expect(seen['Uid']).toBe(`${user}\t${user}\t${user}\t${user}`)
    if (other === undefined) await expect(status({ capabilities, ...somebody })).rejects.toMatchObject(NOBODY)
  })

  test('without the option they are those of Node’s children', async () => {
    const { execFileSync } = await import('node:child_process')
    const theirs = execFileSync('grep', ['^Cap', '/proc/self/status'], { encoding: 'utf8' })
    expect(await said(ns, 'grep ^Cap /proc/self/status')).toBe(theirs.trimEnd())
  })

  test('in a network without links and with no capability nothing can be reached', async () => {
    const script = `
      require('node:net').connect(53, '192.0.2.1').on('error', (error) => {
        console.log(error.code)
        console.log(require('node:child_process').spawnSync('nsenter', ['--net=/proc/1/ns/net', 'true']).status !== 0)
      })`
    const { stdout } = await ns.command(process.execPath, ['-e', script], { capabilities: [] }).output()
    expect(stdout.toString()).toBe('ENETUNREACH\ntrue\n')
  })
})

describe('user and groups', () => {
  test('another user has no supplementary groups, unless they are given', async () => {
    if (other === undefined) {
      await expect(status(somebody)).rejects.toMatchObject(NOBODY)
      // Who maps one group alone may not drop groups, as they may keep from something.
      await expect(status({ groups: [] })).rejects.toMatchObject({
        code: 'EPERM',
        syscall: 'spawn sh',
        message: expect.stringContaining('needs CAP_SETUID and CAP_SETGID')
      })
      expect(await said(ns, 'id -u; id -g', { uid: 0, gid: 0 })).toBe('0\n0')
    } else {
      expect(await said(ns, 'id -u; id -g; id -G', somebody)).toBe(`${other}\n${other}\n${other}`)
      expect(await said(ns, 'id -G', { ...somebody, groups: [7, 9] })).toBe(`${other} 7 9`)
      expect((await status({ groups: [] }))['Groups']).toBe('')
    }
  })

  test('what a user may not is refused in the shape of Node’s errors, and nothing is started', async () => {
    // Root without the capability may as little.
    const [who, wanted] = otherReads() ? [somebody, { uid: 0 }] : [{}, { groups: [0] }]
    const nested = ns.command(
      process.execPath,
      [
        '-e',
        `
      import('node-netns').then(async ({ NetNs }) => {
        const here = NetNs.current()
        const error = await here.command('true', ['a'], ${JSON.stringify(wanted)}).status().catch((error) => error)
        const { code, errno, syscall, path, spawnargs } = error
        console.log(JSON.stringify({ code, errno, syscall, path, spawnargs }))
      })`
      ],
      { capabilities: ['SYS_ADMIN'], ...who }
    )
    const { stdout, stderr } = await nested.output()
    expect(stderr.toString()).toBe('')
    expect(JSON.parse(stdout.toString())).toEqual({
      code: 'EPERM',
      errno: -1,
      syscall: 'spawn true',
      path: 'true',
      spawnargs: ['a']
    })
  })
})

test('an ordinary user’s program joins a network that this user made, through its user namespace', async () => {
  const options = { ...(otherReads() ? somebody : {}), capabilities: [] }
  const { stdout, stderr } = await ns
    .command(process.execPath, nodeArguments('./rootless.fixture.ts'), options)
    .output()
  expect(stderr.toString()).toBe('')
  expect(JSON.parse(stdout.toString())).toEqual({ inside: true, capabilities: NONE })
})
