/**
 * `npm run test:runtimes`: the scenarios under other versions of Node, and what is left on Bun and Deno, all of which npm
 * brings into a temporary folder. `npm run test:runtimes -- node24 bun` runs those alone.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isolate, isolated } from './isolate.mjs'
import { prepare, root, run } from './prepare.mjs'
import { report } from './report.mjs'

const { arch } = process
/** What to install under which name, and where the program is then. */
const RUNTIMES = {
  node22: [`npm:node-linux-${arch}@22`, 'node_modules/node22/bin/node'],
  node24: [`npm:node-linux-${arch}@24`, 'node_modules/node24/bin/node'],
  node26: [`npm:node-linux-${arch}@26`, 'node_modules/node26/bin/node'],
  bun: [`npm:@oven/bun-linux-${arch === 'arm64' ? 'aarch64' : arch}@1`, 'node_modules/bun/bin/bun'],
  deno: [`npm:@deno/linux-${arch}-glibc@2`, 'node_modules/deno/deno']
}

const asked = process.argv.slice(2).filter((argument) => !argument.includes('/'))
const names = Object.keys(RUNTIMES).filter((name) => asked.length === 0 || asked.includes(name))

if (isolated) {
  process.exitCode = await test(process.argv.slice(2).find((argument) => argument.includes('/')))
} else {
  prepare()
  const folder = mkdtempSync(join(tmpdir(), 'netns-runtimes-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{}')
    const packages = names.map((name) => `${name}@${RUNTIMES[name][0]}`)
    run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', ...packages], {
      cwd: folder
    })
    process.exitCode = await isolate([join(root, 'scripts', 'test-runtimes.mjs'), folder, ...names])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function test(folder) {
  const { runForeign, runOffline } = await import('../__test__/offline/offline.mjs')
  const results = []
  // Deno keeps what it compiled, and takes a build of the same length for the same one.
  process.env.DENO_DIR = join(folder, 'deno')
  for (const name of names) {
    const program = join(folder, RUNTIMES[name][1])
    if (name.startsWith('node')) {
      for (const file of scenarios())
        results.push(...report(`${name} ${file}`, await runOffline(join(root, file), { node: program })))
    } else {
      const argv = name === 'deno' ? [program, 'run', '--allow-all', '--no-lock'] : [program, 'run']
      results.push(...report(name, await runForeign(argv)))
    }
  }
  const failed = results.filter(({ error }) => error !== undefined).length
  console.log(`${results.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

function scenarios() {
  return ['scenarios', 'libraries'].flatMap((kind) => {
    const folder = join('__test__', 'context', kind)
    return readdirSync(join(root, folder)).map((file) => join(folder, file))
  })
}
