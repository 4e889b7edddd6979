/** A process with a child that would live for ever. */
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { NetNs } from '../../index.ts'
import { other } from '../offline/users.mjs'

const wanted = new Set(process.argv.slice(2))
const user = wanted.has('named') ? { uid: other ?? 0, gid: other ?? 0 } : {}
const ns = NetNs.createSync()
const child = ns.command('sleep', ['1000'], { stdio: 'ignore', bound: wanted.has('bound'), ...user }).spawn()
await once(child, 'spawn')
process.stdout.write(`${child.pid}\n`)
if (wanted.has('threads')) {
  // Each of these starts programs of its own, by the threads that any child of the process is started by.
  for (let i = 0; i < 3; i++) {
    const worker = new Worker('', { eval: true })
    await once(worker, 'exit')
    await Promise.all(
      Array.from({ length: 20 }, () => ns.command('true', [], { stdio: 'ignore', bound: true }).status())
    )
  }
  await setImmediate()
  process.stdout.write('threads ended\n')
}
