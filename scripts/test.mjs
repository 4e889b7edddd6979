/**
 * `npm test`: Rust's tests and vitest's, in namespaces of their own. `npm test -- NAME` runs the vitest files that match.
 * The last line counts them all.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
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
  const rust = wanted.length === 0 ? await cargo() : { passed: 0, failed: 0 }
  const typescript = await vitest()
  console.log(`${rust.passed + typescript.passed} passed, ${rust.failed + typescript.failed} failed`)
  return rust.failed + typescript.failed === 0 ? 0 : 1
}

async function cargo() {
  const { code, output } = await follow('cargo', ['test', '--workspace', '--locked', '--offline', '--quiet'])
  const sum = (what) =>
    [...output.matchAll(new RegExp(`(\\d+) ${what}`, 'g'))].reduce((sum, [, n]) => sum + Number(n), 0)
  const failed = sum('failed')
  // A crash, or a test that does not compile, is a failure that no line counts.
  return { passed: sum('passed'), failed: failed === 0 && code !== 0 ? 1 : failed }
}

async function vitest() {
  mkdirSync(join(root, 'target'), { recursive: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
  const { code } = await follow(tool('vitest'), ['run', ...reporters, ...wanted])
  const { numPassedTests: passed, numFailedTests: failed } = JSON.parse(readFileSync(results, 'utf8'))
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed }
}

/** Runs a command, showing and keeping what it prints. */
function follow(command, args) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
    process.stdout.write(chunk)
  })
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: String(error) }))
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}
