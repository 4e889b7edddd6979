/** Under `NETNS=red`: starts itself at home, in another namespace and outside, as a Worker and as a child, twice over. */
import { execFileSync, execSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { NetNs } from 'node-netns'

const file = fileURLToPath(import.meta.url)
const whereChildrenAre = () => String(execFileSync('readlink', ['/proc/self/ns/net'])).trim()
/** Whatever `execSync` is given: Node takes all that is no object for no options. */
const inherited = () => [undefined, {}, [], 'utf8', 5, true].map((given) => String(execSync('echo -n "$NETNS"', given)))
const starts = {
  worker: (depth) => new Worker(file, { workerData: depth }),
  fork: (depth) => fork(file, [depth])
}

/** Where what is started is, and what that starts. */
async function all(depth) {
  const found = [whereChildrenAre()]
  if (depth === 0) return found
  for (const start of Object.values(starts)) {
    const [below] = await once(start(depth - 1), 'message')
    found.push(...below)
  }
  return found
}

if (!isMainThread) parentPort.postMessage(await all(workerData))
else if (process.send) process.send(await all(Number(process.argv[2])), () => process.disconnect())
else {
  const blue = NetNs.fromName(process.env.BLUE)
  const [home, red] = [NetNs.home().id, NetNs.fromName(process.env.NETNS).id]
  const names = { [home]: 'home', [blue.id]: 'blue', [red]: 'red' }
  const told = async () => [...new Set(await all(2))].map((id) => names[id]).join()
  const answers = [await NetNs.home().run(told), await blue.run(told), await told(), blue.run(inherited).join('')]
  NetNs.outside('home')
  console.log(JSON.stringify([...answers, await told()]))
}
