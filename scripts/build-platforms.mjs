/**
 * `npm run build:platforms`: the native addon of every platform in package.json, into npm/PLATFORM, as a release needs it.
 * `npm run build:platforms -- aarch64-unknown-linux-musl` builds that one alone. Zig links, for glibc 2.17 and for musl.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { checkRust, fail, root, run, tool } from './prepare.mjs'

/** The oldest glibc that addons load on: that of Red Hat 7 and of Node 20's own builds for old systems. */
const GLIBC = '2.17'

const { targets } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).napi
const asked = process.argv.slice(2)
const unknown = asked.filter((target) => !targets.includes(target))
if (unknown.length > 0) fail(`No platform of ours: ${unknown.join(', ')}.`, `There are ${targets.join(', ')}.`)

checkRust()
checkZig()
const artifacts = join(root, 'target', 'platforms')
for (const target of asked.length === 0 ? targets : asked) build(target)

function build(target) {
  console.log(`Building for ${target} …`)
  run('rustup', ['--quiet', 'target', 'add', target])
  const output = join(artifacts, target)
  mkdirSync(output, { recursive: true })
  const crate = ['--manifest-path', 'crates/netns-node/Cargo.toml', '--package-json-path', 'package.json']
  const linking = ['-x', '--target', target.endsWith('gnu') ? `${target}.${GLIBC}` : target]
  const files = ['-o', output, '--js', 'native.cjs', '--dts', 'native.d.cts']
  run(tool('napi'), ['build', '--platform', '--release', ...crate, ...files, ...linking, '--', '--locked', '--quiet'], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  const addon = readdirSync(output).find((file) => file.endsWith('.node'))
  const platform = addon.replace(/^netns\.(.*)\.node$/, '$1')
  renameSync(join(output, addon), join(root, 'npm', platform, addon))
}

function checkZig() {
  const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0
  const zig = works('zig', ['version']) || works('python3', ['-m', 'ziglang', 'version'])
  if (zig && works('cargo', ['zigbuild', '--help'])) return
  fail('Zig or cargo-zigbuild is missing.', 'Install both, as by: pip install ziglang cargo-zigbuild')
}
