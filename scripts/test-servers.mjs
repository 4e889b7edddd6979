/**
 * `npm run test:servers`: libraries against servers that a machine must have, in processes whose home has no network. Each
 * file of __test__/servers says what it needs; `npm run test:servers -- NAME` runs the files that match.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { isolate, isolated, ordinary } from './isolate.mjs'
import { fail, prepare, root, tool } from './prepare.mjs'
import { report } from './report.mjs'

const wanted = process.argv.slice(2)
const folder = join(root, '__test__', 'servers')
const files = readdirSync(folder).filter(
  (file) => file.endsWith('.mjs') && (wanted.length === 0 || wanted.some((part) => file.includes(part)))
)

if (isolated) {
  const { runOffline } = await import('../__test__/offline/offline.mjs')
  const results = []
  for (const file of files) results.push(...report(file.replace('.mjs', ''), await runOffline(join(folder, file))))
  if (wanted.length === 0 || wanted.some((part) => 'browsers'.includes(part))) results.push(...browsers())
  const failed = results.filter(({ error }) => error !== undefined).length
  console.log(`${results.length - failed} passed, ${failed} failed`)
  process.exitCode = failed === 0 ? 0 : 1
} else {
  if (ordinary) fail('Servers run under accounts of their own.', 'Run this as root.')
  prepare()
  await checkNeeds()
  process.exitCode = await isolate([join(root, 'scripts', 'test-servers.mjs'), ...wanted])
}

/** Browsers are driven by TypeScript, under vitest. */
function browsers() {
  const results = join(root, 'target', 'vitest-servers.json')
  rmSync(results, { force: true })
  const args = ['run', '--config', 'vitest.servers.config.ts', '--reporter=default', '--reporter=json']
  const { status } = spawnSync(tool('vitest'), [...args, `--outputFile=${results}`], { cwd: root, stdio: 'inherit' })
  if (!existsSync(results)) return report('browsers', [{ name: 'vitest', error: `it ended with ${status}` }])
  const { testResults } = JSON.parse(readFileSync(results, 'utf8'))
  const outcome = ({ title, status }) => ({ name: title, error: status === 'passed' ? undefined : 'see above' })
  return testResults.flatMap(({ name, assertionResults, message }) =>
    // A file that cannot be loaded has no tests to fail.
    report(
      basename(name),
      assertionResults.length ? assertionResults.map(outcome) : [{ name: 'to load', error: message }]
    )
  )
}

async function checkNeeds() {
  const missing = new Set()
  if (spawnSync('sh', ['-c', 'command -v chromium']).status !== 0) missing.add('chromium')
  for (const file of files) {
    const { needs } = await import(join(folder, file))
    for (const [command, debian] of Object.entries(needs)) {
      if (spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0) missing.add(debian)
    }
  }
  if (missing.size > 0) fail('Servers are missing.', `Install them, as by: apt install ${[...missing].join(' ')}`)
}
