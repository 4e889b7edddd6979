/** What became of each test, kept in a file: a long run can be made in parts, and natively only once. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../scripts/prepare.mjs'

export class Results {
  #path
  #build
  #tests

  /** Without a `path` nothing is remembered. Runs of two versions of Node want two files. */
  constructor(path, version) {
    this.#path = path
    this.#build = path === undefined ? '' : digest()
    const { version: before, tests } = path !== undefined && existsSync(path) ? read(path) : { version, tests: {} }
    if (before !== version) throw new Error(`${path} is about Node ${before}, not ${version}.`)
    this.#tests = { version, tests }
  }

  /** What is known of a test: natively for ever, inside for as long as what was built is the same. */
  of(test) {
    const { native, inside, build } = this.#tests.tests[keyOf(test)] ?? {}
    return { native, inside: build === this.#build ? inside : undefined }
  }

  /** Written at once, as runs are interrupted. */
  keep(test, { native, inside }) {
    if (this.#path === undefined) return
    this.#tests.tests[keyOf(test)] = { native, inside, build: this.#build }
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.#tests))
    renameSync(`${this.#path}.new`, this.#path)
  }
}

/** Both folders of Node's tests may have one of the same name. */
function keyOf({ path }) {
  return path.split('/').slice(-2).join('/')
}

function read(path) {
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** Of all that runs inside: what is compiled, and the addon. */
function digest() {
  const hash = createHash('sha256')
  for (const file of readdirSync(root).filter((name) => name.endsWith('.node')))
    hash.update(readFileSync(join(root, file)))
  for (const file of readdirSync(join(root, 'dist'), { recursive: true }).sort()) {
    const path = join(root, 'dist', file)
    if (/\.c?js$/.test(file) && statSync(path).isFile()) hash.update(file).update(readFileSync(path))
  }
  return hash.digest('hex')
}
