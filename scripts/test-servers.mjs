/** `npm run test:servers`: tests against programs that have to be installed, in namespaces of their own. */
import { spawnSync } from 'node:child_process'
import { isolate, isolated } from './isolate.mjs'
import { fail, prepare, root, tool } from './prepare.mjs'

/** What is tested with, and the package of Debian's that has it. */
const programs = { chromium: 'chromium' }

if (isolated) {
  const { status } = spawnSync(tool('vitest'), ['run', '--config', 'vitest.servers.config.ts'], {
    cwd: root,
    stdio: 'inherit'
  })
  process.exitCode = status ?? 1
} else {
  const missing = Object.keys(programs).filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  if (missing.length > 0) {
    const packages = missing.map((name) => programs[name]).join(' ')
    fail(`Missing: ${missing.join(', ')}.`, `Install them, as by: apt install --no-install-recommends ${packages}`)
  }
  prepare()
  process.exitCode = await isolate([import.meta.filename])
}
