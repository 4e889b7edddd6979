/** `npm run bench`: every suite of `bench/suites`, or those picked by `-- --only NAME`. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isolate } from './isolate.mjs'
import { checkRust, prepare, root, run } from './prepare.mjs'

const built = join(root, 'target', 'bench')

prepare()
buildRustPeers()
buildGoPeers()
process.exitCode = await isolate(['--import', 'tsx', 'bench/main.ts', ...process.argv.slice(2)])

function buildRustPeers() {
  checkRust()
  const args = ['bench', '-p', 'netns-core', '--bench', 'peers', '--no-run', '--locked', '--message-format=json']
  const stdio = ['ignore', 'pipe', 'inherit']
  const { status, stdout } = spawnSync('cargo', args, { cwd: root, stdio, encoding: 'utf8' })
  if (status !== 0) process.exit(status ?? 1)
  const messages = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const { executable } = messages.find((message) => message.executable)
  mkdirSync(built, { recursive: true })
  copyFileSync(executable, join(built, 'rust-peers'))
}

function buildGoPeers() {
  const output = join(built, 'go-peers')
  rmSync(output, { force: true })
  if (spawnSync('go', ['version']).status !== 0) return
  run('go', ['build', '-o', output, '.'], { cwd: join(root, 'bench/peers/go') })
  run('go', ['build', '-o', join(built, 'netlink-go'), '.'], { cwd: join(root, 'bench/peers/netlink-go') })
}
