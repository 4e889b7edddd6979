/** A user namespace with one user alone, as an ordinary user's is: what cannot be had there is refused in words. */
import { expect, test } from 'vitest'
import { tunRefusal } from './config/wire.ts'
import { output } from './helpers.ts'

const wrapper = ['unshare', '--user', '--map-root-user', '--net']

/** What `call` fails with in there. */
async function refusalOf(call: string): Promise<unknown> {
  const source = `
    const ns = NetNs.createSync()
    await assert.rejects(async () => ${call}, ({ code, errno, syscall, message }) => {
      console.log(JSON.stringify({ code, errno, syscall, message }))
      return true
    })`
  return JSON.parse(await output(source, { wrapper }))
}

const NO_SUCH_USER = expect.stringContaining('has no such user or group: see /proc/self/uid_map and gid_map')

test.each(['{ uid: 5 }', '{ gid: 5 }', '{ uid: 5, gid: 5, capabilities: ["NET_RAW"] }'])(
  'a program cannot be somebody who does not exist: %s',
  async (options) => {
    expect(await refusalOf(`ns.command('true', [], ${options}).status()`)).toEqual({
      code: 'EINVAL',
      errno: -22,
      syscall: 'spawn true',
      message: NO_SUCH_USER
    })
  }
)

test('nobody may drop groups, as they may keep from something', async () => {
  expect(await refusalOf(`ns.command('true', [], { groups: [] }).status()`)).toEqual({
    code: 'EPERM',
    errno: -1,
    syscall: 'spawn true',
    message: expect.stringContaining('/proc/self/setgroups')
  })
})

test('no rule is for users who do not exist', async () => {
  expect(await refusalOf('ns.rules.add({ uidRange: [0, 5], table: 9 })')).toEqual({
    code: 'EINVAL',
    errno: -22,
    syscall: 'netlink',
    message: expect.stringContaining('Invalid uid range')
  })
})

test('no tun link belongs to somebody who does not exist', async () => {
  const { path: _path, ...refusal } = tunRefusal ?? { path: '', code: 'EINVAL', message: NO_SUCH_USER }
  expect(await refusalOf(`ns.links.add({ kind: 'tun', name: 't0', owner: 5 })`)).toMatchObject(refusal)
})
