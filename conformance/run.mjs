/**
 * `npm run conformance -- --node-tests DIR [--only net,http] [--node PATH] [--jobs 3] [--results FILE]
 * [--minutes N] [NAME…]`: Node's own tests, once natively in a namespace and once under the preload in a process whose own
 * namespace has no network. DIR is the `test` folder of Node's source, at the version of the binary. NAMEs choose the
 * files whose names contain one of them. FILE keeps what became of each, and what is in it is not run again: what is not
 * done after N minutes is done by the same command. NAMEs are run inside in any case.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isolate, isolated } from '../scripts/isolate.mjs'
import { fail, prepare } from '../scripts/prepare.mjs'
import { compare } from './compare.mjs'
import { families, findTests } from './families.mjs'
import { report } from './report.mjs'
import { Results } from './results.mjs'
import { Slot } from './slot.mjs'

const { tests, node, names, jobs, file, minutes } = readArguments()

/** The exit code of a run that is to be continued. */
const UNFINISHED = 75

if (isolated) {
  process.exitCode = await conform()
} else {
  prepare()
  process.exitCode = await isolate([fileURLToPath(import.meta.url), ...process.argv.slice(2)])
}

async function conform() {
  const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const results = new Results(file, version)
  const slots = Array.from({ length: jobs }, (_, index) => new Slot(index + 1, tests, node))
  try {
    const deadline = Date.now() + minutes * 60_000
    const outcomes = await compare(slots, tests, { results, again: names.length > 0, deadline })
    if (outcomes.length < tests.length)
      console.log(`${outcomes.length} of ${tests.length}; the rest is for another run.`)
    return outcomes.length < tests.length ? UNFINISHED : report(outcomes, { version, all: names.length === 0 })
  } finally {
    for (const slot of slots) slot.close()
  }
}

function readArguments() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'node-tests': { type: 'string' },
      only: { type: 'string' },
      node: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      results: { type: 'string' },
      minutes: { type: 'string', default: 'Infinity' }
    }
  })
  const directory = values['node-tests']
  if (directory === undefined || !existsSync(join(directory, 'common')) || !existsSync(join(directory, 'parallel'))) {
    fail(
      `--node-tests must be the \`test\` folder of Node's source${directory === undefined ? '' : `, not ${directory}`}.`,
      "As from Debian's source packages (apt source --download-only nodejs), at the version of the binary."
    )
  }
  const only = values.only?.split(',') ?? Object.keys(families)
  const unknown = only.find((family) => !(family in families))
  if (unknown !== undefined) fail(`There is no family ${unknown}.`, `They are: ${Object.keys(families).join(', ')}.`)
  const jobs = Number(values.jobs)
  if (!(Number.isInteger(jobs) && jobs > 0))
    fail(`--jobs must be a whole number above 0, not ${values.jobs}.`, 'As in: --jobs 3')
  const minutes = Number(values.minutes)
  if (!(minutes > 0)) fail(`--minutes must be a number above 0, not ${values.minutes}.`, 'As in: --minutes 3')
  if (values.results === undefined && minutes !== Infinity)
    fail('--minutes needs --results.', 'What is done would be forgotten: --results FILE keeps it.')
  const found = findTests(resolve(directory), only).filter(
    ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part))
  )
  if (found.length === 0) fail('No test has such a name.', `Look into ${dirname(join(directory, 'parallel', '.'))}.`)
  const file = values.results === undefined ? undefined : resolve(values.results)
  return { tests: found, node: resolve(values.node ?? process.execPath), names: positionals, jobs, file, minutes }
}
