/** How long others wait for the event loop: a thread of its own knocks, and the loop tells when it opened. */
import { Worker } from 'node:worker_threads'

/** A loop that never sleeps would share its processor by the kernel's time slices, and those would be what is measured. */
const KNOCK = `
const { parentPort } = require('node:worker_threads')
const pause = new Int32Array(new SharedArrayBuffer(4))
let going = false
parentPort.on('message', (wanted) => {
  going = wanted
  const knock = () => {
    if (!going) return
    parentPort.postMessage(process.hrtime.bigint())
    Atomics.wait(pause, 0, 0, 0.25)
    setImmediate(knock)
  }
  knock()
})
`

let worker

/** The longest wait, in nanoseconds, while `work` went on. */
export async function longestWait(work) {
  if (worker === undefined) {
    worker = new Worker(KNOCK, { eval: true })
    worker.unref()
  }
  let longest = 0
  let began
  const open = (knocked) => {
    // The last knocks during the work before this one may come only now.
    if (knocked >= began) longest = Math.max(longest, Number(process.hrtime.bigint() - knocked))
  }
  const knock = () => new Promise((resolve) => worker.once('message', resolve))
  const first = knock()
  worker.postMessage(true)
  await first
  worker.on('message', open)
  began = process.hrtime.bigint()
  await work()
  // Whoever knocked before it ended, and waits yet.
  await knock()
  worker.off('message', open)
  worker.postMessage(false)
  return longest
}
