/**
 * `npm run conformance -- --node-tests DIR [--only net,http] [--node PATH] [--jobs 3] [NAME…]`: Node's own tests, once
 * natively in a namespace and once under the preload in a process whose own namespace has no network. DIR is the `test`
 * folder of Node's source, at the version of the binary. NAMEs choose the files whose names contain one of them.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isolate, isolated } from '../scripts/isolate.mjs'
import { fail, prepare } from '../scripts/prepare.mjs'
import { compare } from './compare.mjs'
import { families, findTests } from './families.mjs'
import { report } from './report.mjs'
import { Slot } from './slot.mjs'

const { tests, node, names, jobs } = readArguments()

if (isolated) {
  process.exitCode = await conform()
} else {
  prepare()
  process.exitCode = await isolate([fileURLToPath(import.meta.url), ...process.argv.slice(2)])
}

async function conform() {
  const slots = Array.from({ length: jobs }, (_, index) => new Slot(index + 1, tests, node))
  try {
    const outcomes = await compare(slots, tests)
    return report(outcomes, { node, all: names.length === 0 })
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
      jobs: { type: 'string', default: '2' }
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
  const found = findTests(resolve(directory), only).filter(
    ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part))
  )
  if (found.length === 0) fail('No test has such a name.', `Look into ${dirname(join(directory, 'parallel', '.'))}.`)
  return { tests: found, node: resolve(values.node ?? process.execPath), names: positionals, jobs }
}
