/** Programs whose home has no network: what leaks out of a context fails there, instead of passing unseen. */
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { unprivileged } from './users.mjs'

const runner = fileURLToPath(new URL('./runner.mjs', import.meta.url))

/**
 * A network namespace with `lo` down, and an `/etc` of its own, so that names are looked up as the test says: a name
 * server is expected at 127.0.0.1.
 */
const SCRIPT = `
mkdir -p /run/etc /run/etc-before && mount -t tmpfs netns /run/etc && mount --bind /etc /run/etc-before
files=
for file in passwd group nsswitch.conf protocols services ld.so.cache ld.so.conf ld.so.conf.d alternatives ssl; do
  [ ! -e /etc/$file ] || files="$files /run/etc-before/$file"
done
ln -s $files /run/etc/
printf '127.0.0.1 localhost\\n::1 localhost\\n' > /run/etc/hosts
printf 'nameserver 127.0.0.1\\noptions timeout:5 attempts:2\\n' > /run/etc/resolv.conf
mount --bind /run/etc /etc
exec "$@"`

/** What to run for a program whose home has no network. The caller is in a mount namespace of its own, as by `npm test`. */
export function offlineArgv(argv) {
  return ['unshare', '--net', '--mount', '--propagation', 'private', 'sh', '-ec', SCRIPT, 'sh', ...argv]
}

/** What newer Nodes have by default, and older ones by a flag. */
const FLAGS = ['--experimental-websocket', '--experimental-eventsource']

/** Those flags that a Node needs. */
export function flagsOf(node) {
  if (node === process.execPath) return FLAGS.filter((flag) => process.allowedNodeEnvironmentFlags.has(flag))
  const script = `for (const flag of ${JSON.stringify(FLAGS)}) if (process.allowedNodeEnvironmentFlags.has(flag)) console.log(flag)`
  return spawnSync(node, ['-e', script], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean)
}

/**
 * Runs every scenario of a file in one process without a network of its own; `brokered`, without privileges too.
 *
 * @returns for each its name, and what went wrong if anything did
 */
export function runOffline(file, { node = process.execPath, brokered = false } = {}) {
  return follow([...(brokered ? unprivileged() : []), node, ...flagsOf(node), '--expose-gc', runner, file])
}

/** Runs, by the start of a command, what must work on runtimes other than Node. */
export function runForeign(argv) {
  return follow([...argv, fileURLToPath(new URL('./foreign.mjs', import.meta.url))])
}

async function follow(argv) {
  const [file, ...args] = offlineArgv(argv)
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let noise = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    noise += chunk
  })
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (...ended) => resolve(ended))
  })
  const lines = output.split('\n').filter((line) => line.startsWith('#{'))
  const results = lines.map((line) => JSON.parse(line.slice(1)))
  const error = code === 0 ? undefined : `It ended with ${signal ?? code}.\n${noise}`
  return [...results, { name: 'the process ends by itself', error }]
}
