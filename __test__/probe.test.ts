import { release } from 'node:os'
import { probe } from 'node-netns'
import { expect, test } from 'vitest'
import { directory, here, output, strays } from './helpers.ts'

test('where the tests run everything works, and trying leaves nothing', async () => {
  const found = await probe({ directory: directory() })
  expect(found).toMatchObject({
    supported: true,
    kernel: release(),
    runtime: { name: 'node', version: process.versions.node },
    can: {
      open: { ok: true },
      create: { ok: true },
      createNamed: { ok: true },
      runSync: { ok: true },
      configure: { ok: true }
    }
  })
  expect(strays(here())).toEqual([])
})

const ANSWER = `
  const { can } = await probe()
  for (const [what, ability] of Object.entries(can)) {
    if (!ability.ok) assert(ability.code && ability.why && ability.remedy, what)
  }
  console.log(Object.entries(can).filter(([what, { ok }]) => !ok && what !== 'rootless').map(([what, { code }]) => what + ' ' + code).sort().join(', '))
`

const POWERLESS = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']

test('without capabilities only names and runSync are missing', async () => {
  expect(await output(ANSWER, { wrapper: POWERLESS })).toBe('createNamed EPERM, runSync EPERM')
})

test('without capabilities and user namespaces it says what is missing', async () => {
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
  const wrapper = ['unshare', '-Urnm', 'sh', '-ec', script, 'sh', ...POWERLESS]
  const source = `const { can } = await probe(); console.log(can.create.code, can.run.ok, can.create.remedy)`
  expect(await output(source, { wrapper })).toMatch(/^(ENOSPC|EUSERS|EPERM) false .*max_user_namespaces/)
})

test('where only the way back is closed it says so', async () => {
  expect(await output(ANSWER, { wrapper: ['unshare', '-Ur'] })).toContain('runSync ERR_NETNS_NO_RETURN')
})

test('where user namespaces are used up it says which limit', async () => {
  const script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
  const source = `const { can: { rootless } } = await probe(); console.log(rootless.code, rootless.remedy)`
  const answer = await output(source, { wrapper: ['unshare', '-Urnm', 'sh', '-ec', script, 'sh'] })
  expect(answer).toMatch(/^(ENOSPC|EUSERS|EPERM) .*max_user_namespaces/)
})
