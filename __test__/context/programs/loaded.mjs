/** In a namespace, starts Workers that evaluate and that import: says whether each is there, with all it starts. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { NetNs } from 'node-netns'

const script = `require('worker_threads').parentPort.postMessage(
  String(require('child_process').execFileSync('readlink', ['/proc/self/ns/net'])).trim())`
const url = new URL(
  `data:text/javascript,${encodeURIComponent(`
  import { parentPort } from 'node:worker_threads'
  import { execFileSync } from 'node:child_process'
  import { NetNs } from '${import.meta.resolve('node-netns')}'
  const found = String(execFileSync('readlink', ['/proc/self/ns/net'])).trim()
  parentPort.postMessage(NetNs.current().id === found ? found : 'two minds')`)}`
)

const red = await NetNs.create()
const answers = await red.run(async () => {
  const workers = [new Worker(script, { eval: true }), new Worker(url)]
  return Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
})
console.log(answers.map((answer) => answer === red.id).join())
