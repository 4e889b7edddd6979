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
  const open = (knocked) => {
    longest = Math.max(longest, Number(process.hrtime.bigint() - knocked))
  }
  await new Promise((resolve) => {
    worker.once('message', resolve)
    worker.postMessage(true)
  })
  worker.on('message', open)
  await work()
  worker.off('message', open)
  worker.postMessage(false)
  return longest
}
