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
  mkdirSync(built, { recursive: true })
  const peers = cargo('bench', '-p', 'netns-core', '--bench', 'peers', '--no-run')
  copyFileSync(peers.find(({ executable }) => executable).executable, join(built, 'rust-peers'))
  const addon = cargo('build', '-p', 'raw-calls', '--release').find(({ target }) => target?.name === 'raw_calls')
  // A program may run on the one there is.
  rmSync(join(built, 'raw-calls.node'), { force: true })
  copyFileSync(addon.filenames[0], join(built, 'raw-calls.node'))
}

/** What was made, by Cargo's own words. */
function cargo(...args) {
  const stdio = ['ignore', 'pipe', 'inherit']
  const options = { cwd: root, stdio, encoding: 'utf8' }
  const { status, stdout } = spawnSync('cargo', [...args, '--locked', '--message-format=json'], options)
  if (status !== 0) process.exit(status ?? 1)
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function buildGoPeers() {
  const output = join(built, 'go-peers')
  rmSync(output, { force: true })
  if (spawnSync('go', ['version']).status !== 0) return
  run('go', ['build', '-o', output, '.'], { cwd: join(root, 'bench/peers/go') })
  run('go', ['build', '-o', join(built, 'netlink-go'), '.'], { cwd: join(root, 'bench/peers/netlink-go') })
}
