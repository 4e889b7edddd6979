/** The helper program where memory lets no program run. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { output, run } from '../helpers.ts'
import { unprivileged } from '../offline/users.mjs'

const OWN = ['--pid', '--fork', '--kill-child', '--mount', '--mount-proc', '--propagation', 'private']
const FORBID = 'echo 2 > /proc/sys/vm/memfd_noexec'

/** Not before Linux 6.3, and not by an ordinary user, in whatever user namespace. */
const forbidden = spawnSync('unshare', [...OWN, 'sh', '-c', FORBID]).status === 0

/** Without privileges, in namespaces of processes and mounts that `script` prepared. */
function prepared(script: string): string[] {
  const whole = `${forbidden ? FORBID : ''}\n${script}\nexec "$@"`
  return ['unshare', ...OWN, 'sh', '-ec', whole, 'sh', ...unprivileged()]
}

const SOURCE = `
  import { spawn } from 'node:child_process'
  import { once } from 'node:events'
  import net from 'node:net'
  const red = await NetNs.create().catch((error) => console.log(error.code, error.message))
  await red?.run(async () => {
    const server = net.createServer((socket) => socket.end('served')).listen(80, '127.0.0.1')
    await once(server, 'listening')
    spawn('readlink', ['/proc/self/ns/net'], { stdio: 'inherit' }).on('exit', () => console.log(red.id))
    for await (const chunk of net.connect(80, '127.0.0.1')) console.log(String(chunk))
    server.close()
  })`

function expectServed(stdout: string): void {
  const lines = stdout.trim().split('\n')
  expect(lines).toHaveLength(3)
  expect(lines).toContain('served')
  expect(new Set(lines).size).toBe(2)
}

test('is a file without a name in a temporary directory', async () => {
  expectServed(await output(SOURCE, { wrapper: prepared('') }))
})

test('is missing with a word on what to do if no such directory lets programs run, unless memory does', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'netns-noexec-'))
  onTestFinished(() => rmdirSync(directory))
  const script = `for place in ${directory} /var/tmp /dev/shm; do mount -t tmpfs -o noexec,mode=1777 none "$place"; done`
  const { stdout, stderr } = await run(SOURCE, { wrapper: prepared(script), env: { TMPDIR: directory } })
  expect(stderr).toBe('')
  if (forbidden) expect(stdout).toMatch(/^EACCES .*vm\.memfd_noexec/)
  else expectServed(stdout)
})
