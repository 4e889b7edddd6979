/** A place to run one test at a time: its namespaces, its temporary folder, and nothing left of the test afterwards. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../scripts/prepare.mjs'

/** Hanging is how a leak often shows; what passes takes natively a few seconds at most, with rare exceptions. */
const LIMIT_MS = 12_000
const NATIVE_LIMIT_MS = 30_000
const KEPT = 4_000
const preload = join(root, 'dist', 'register.js')

export class Slot {
  #number
  #node
  #directory
  #scratch
  #native
  #inside
  #nowhere

  constructor(number, tests, node) {
    this.#number = number
    this.#node = node
    this.#directory = dirname(dirname(tests[0].path))
    this.#scratch = mkdtempSync(join(tmpdir(), 'cf-'))
    this.#native = makeNamespace(`native${number}`, true)
    this.#inside = makeNamespace(`inside${number}`, true)
    this.#nowhere = makeNamespace(`nowhere${number}`, false)
  }

  /** Runs a test as Node's own runner does, in a namespace with loopback up. */
  native(test) {
    return this.#run(test, this.#native, [], {}, NATIVE_LIMIT_MS)
  }

  /**
   * Runs it in a process without any network, which the preload puts into one. It is required, as after any `--import`
   * Node loses what a forked child is sent at once. `spent` is what the test took natively.
   */
  inside(test, spent) {
    return this.#run(test, this.#nowhere, ['--require', preload], { NETNS: this.#inside }, LIMIT_MS + 3 * spent)
  }

  close() {
    this.#endLeftovers()
    for (const name of [this.#native, this.#inside, this.#nowhere]) ip('netns', 'delete', name)
    rmSync(this.#scratch, { recursive: true, force: true })
  }

  async #run(test, namespace, options, env, limit) {
    const start = Date.now()
    const argv = [`--net=/run/netns/${namespace}`, this.#node, ...test.flags, ...options, test.path]
    const child = spawn('nsenter', argv, {
      cwd: dirname(this.#directory),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...test.env, ...env, ...this.#runnerEnvironment() }
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output = (output + chunk).slice(-KEPT)
      })
    }
    let late = false
    const timer = setTimeout(() => {
      late = true
      signalGroup(child.pid)
    }, limit)
    const { code, signal } = await new Promise((done) => child.on('exit', (code, signal) => done({ code, signal })))
    clearTimeout(timer)
    signalGroup(child.pid)
    this.#endLeftovers()
    await new Promise((done) => (child.stdout.closed && child.stderr.closed ? done() : child.on('close', done)))
    for (const entry of readdirSync(this.#scratch)) rmSync(join(this.#scratch, entry), { recursive: true, force: true })
    if (late) return { state: 'failed', why: `ran longer than ${limit / 1000} s`, late, output }
    if (code !== 0) return { state: 'failed', why: signal ? `ended by ${signal}` : `exit code ${code}`, output }
    const [, skipped] = /^1\.\.0 # Skipped: (.*)/m.exec(output) ?? []
    return skipped === undefined ? { state: 'passed', spent: Date.now() - start } : { state: 'skipped', why: skipped }
  }

  /** What Node's runner tells its tests: which ports and which folder are theirs. */
  #runnerEnvironment() {
    return { TEST_THREAD_ID: String(this.#number), NODE_TEST_DIR: this.#scratch }
  }

  /** Detached children are in none of the groups, but nobody else is in these namespaces. */
  #endLeftovers() {
    const ours = [this.#native, this.#inside, this.#nowhere].map((name) => statSync(`/run/netns/${name}`).ino)
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        if (ours.includes(statSync(`/proc/${pid}/ns/net`).ino)) process.kill(Number(pid), 'SIGKILL')
      } catch (error) {
        // It ended meanwhile, or is another user's.
        if (!['ESRCH', 'ENOENT', 'EACCES'].includes(error.code)) throw error
      }
    }
  }
}

function makeNamespace(name, up) {
  ip('netns', 'add', name)
  if (up) ip('-n', name, 'link', 'set', 'lo', 'up')
  return name
}

function ip(...args) {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

function signalGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** What `npm run` and a shell add for themselves would change what tests see. */
function cleanEnvironment() {
  const ours = /^(npm_|NODE_|NETNS|INIT_CWD$|FORCE_COLOR$|NO_COLOR$|SSL_CERT|.*_proxy$|.*_PROXY$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}
