/** The table, and each difference beside what is known of it. */
import { readFileSync } from 'node:fs'
import { families } from './families.mjs'

/**
 * Both map a test's name to a reason, or to reasons by major version of Node: what differs for users, and tests that
 * replace parts of Node that no user can reach.
 */
const { behaviour, internals } = JSON.parse(readFileSync(new URL('known.json', import.meta.url), 'utf8'))

/** Prints it all; the exit code is that of a run with differences that nobody knows. */
export function report(outcomes, { version, all }) {
  const passed = outcomes.filter(({ native }) => native.state === 'passed')
  const different = passed.filter(({ inside }) => inside.state !== 'passed')
  const fresh = different.filter(({ test }) => reasonOf(test, version) === undefined)
  for (const { test, inside } of fresh) {
    console.log(`\n${test.name}: ${inside.state} inside, ${inside.why}`)
    if (inside.output) console.log(inside.output.trimEnd().replace(/^/gm, '  | '))
  }
  const expected = different.filter((outcome) => !fresh.includes(outcome))
  if (expected.length > 0) console.log('\nKnown differences:')
  for (const { test } of expected) console.log(`  ${test.name}: ${reasonOf(test, version)}`)
  const shaky = passed.filter(({ inside }) => inside.state === 'passed' && inside.attempts > 1)
  if (shaky.length > 0) console.log('\nPassed inside only when run again:')
  for (const { test, native, inside } of shaky) {
    console.log(`  ${test.name}: attempt ${inside.attempts} (natively ${native.attempts})`)
  }
  if (all) printStale(passed, version)
  printTable(outcomes, version)
  return fresh.length === 0 ? 0 : 1
}

function printTable(outcomes, version) {
  const head = ['native', 'inside', '%', 'but for internals, %']
  console.log(`\nNode ${version}\n${'family'.padEnd(14)}${head.map(column).join('')}`)
  for (const family of Object.keys(families)) {
    const passed = outcomes.filter(({ test, native }) => test.family === family && native.state === 'passed')
    if (passed.length === 0) continue
    const inside = passed.filter(({ inside }) => inside.state === 'passed').length
    const tested = passed.filter(
      ({ test, inside }) => inside.state === 'passed' || reasonIn(internals, test, version) === undefined
    )
    const row = [passed.length, inside, share(inside, passed.length), share(inside, tested.length)]
    console.log(`${family.padEnd(14)}${row.map(column).join('')}`)
  }
  const count = (state) => outcomes.filter(({ native }) => native.state === state).length
  console.log(`Left out: ${count('skipped')} that skip themselves natively, ${count('failed')} that fail natively.`)
}

function share(part, whole) {
  return ((100 * part) / whole).toFixed(1)
}

function column(value) {
  return `  ${String(value).padStart(6)}`
}

/** A difference that is gone should leave the list. */
function printStale(passed, version) {
  for (const { test, inside } of passed) {
    if (inside.state === 'passed' && reasonOf(test, version) !== undefined) {
      console.log(`\n${test.name} passes inside, though known.json says: ${reasonOf(test, version)}`)
    }
  }
}

function reasonOf(test, version) {
  return reasonIn(behaviour, test, version) ?? reasonIn(internals, test, version)
}

function reasonIn(known, { name }, version) {
  const entry = known[name]
  const major = /^v(\d+)/.exec(version)?.[1]
  return typeof entry === 'object' ? entry[major] : entry
}
