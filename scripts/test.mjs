/**
 * `npm test`: Rust's tests and vitest's, in namespaces of their own. `npm test -- NAME` runs the vitest files that match.
 * The last line counts them all.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isolate, isolated } from './isolate.mjs'
import { checkRust, prepare, root, run, tool } from './prepare.mjs'

const wanted = process.argv.slice(2)
const results = join(root, 'target', 'vitest.json')

if (isolated) {
  process.exitCode = await test()
} else {
  prepare()
  if (wanted.length === 0) {
    checkRust()
    // What needs a registry is done outside, where there is a network.
    run('cargo', ['test', '--workspace', '--no-run', '--locked', '--quiet'])
  }
  process.exitCode = await isolate([import.meta.filename, ...wanted])
}

async function test() {
  const { NetNs } = await import('node-netns')
  await NetNs.current().links.set('lo', { up: true })
  // Both wait for the kernel more than they compute.
  const all = await Promise.all([vitest(), ...(wanted.length === 0 ? [cargo()] : [])])
  const sum = (what) => all.reduce((sum, result) => sum + result[what], 0)
  for (const { notes } of all) for (const note of notes) console.log(note)
  // Once more at the end, as what the others print is long.
  for (const { failures } of all) for (const failure of failures) console.log(`FAILED: ${failure}`)
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
  return sum('failed') === 0 ? 0 : 1
}

async function cargo() {
  const args = ['test', '--workspace', '--locked', '--offline', '--quiet']
  const { code, output } = await follow('cargo', args, { show: false })
  const sum = (what) =>
    [...output.matchAll(new RegExp(`(\\d+) ${what}`, 'g'))].reduce((sum, [, n]) => sum + Number(n), 0)
  const failures = [...output.matchAll(/^---- (.+) stdout ----\s+(.*(?:\n(?!\n|note:).*)*)/gm)].map(
    ([, name, message]) => `${name}: ${oneLine(message)}`
  )
  const notes = [`Rust:\n${output.trim()}`]
  return { passed: sum('passed'), notes, ...failed(sum('failed'), failures, code, 'cargo test') }
}

async function vitest() {
  mkdirSync(join(root, 'target'), { recursive: true })
  rmSync(results, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  const { code } = await follow(tool('vitest'), ['run', ...reporters, ...wanted])
  if (!existsSync(results)) return { passed: 0, failed: 1, failures: ['vitest left no results'], notes: [] }
  const {
    numPassedTests: passed,
    numFailedTests,
    numPendingTests,
    testResults
  } = JSON.parse(readFileSync(results, 'utf8'))
  const failures = testResults.flatMap(({ name: file, assertionResults, message }) => {
    const tests = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages[0]}`)
    return (tests.length === 0 && message ? [message] : tests).map(
      (test) => `${relative(root, file)}: ${oneLine(test)}`
    )
  })
  // They have nothing else to wait for: see __test__/config/wire.ts.
  const missing =
    `${numPendingTests} tests did not run to their end, as iproute2 is missing, which they judge by. ` +
    'Install it, as by: apt install iproute2'
  const notes = numPendingTests === 0 ? [] : [missing]
  return { passed, notes, ...failed(numFailedTests, failures, code, 'vitest') }
}

/** How many tests failed and which. A crash, or a test that does not compile, is a failure that no count has. */
function failed(count, failures, code, what) {
  if (count > 0 || code === 0) return { failed: count, failures }
  return { failed: 1, failures: [...failures, `${what} ended with code ${code}`] }
}

/** The start of a message without its stack, in one line, as logs are searched by lines. */
function oneLine(message) {
  const [text] = message.split(/\n\s+at /)
  return text.replaceAll(/\s+/g, ' ').slice(0, 600)
}

/** Runs a command and keeps what it prints, which is shown too. */
function follow(command, args, { show = true } = {}) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
    if (show) process.stdout.write(chunk)
  })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: String(error) }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
