/**
 * How much of one turn of the event loop its own thread works: what keeps others waiting that is ours. The rest of a wait is
 * for a processor: the scheduler's, or another machine's under the same hypervisor, which a clock on the wall counts too.
 */

/** `CLOCK_THREAD_CPUTIME_ID`, in user and system mode, garbage collection included. Node 20 tells it by WASI alone. */
const THREAD_TIME = 3

let clock

async function threadClock() {
  // That WASI is experimental is of no interest in a table of figures.
  process.removeAllListeners('warning')
  const { WASI } = await import('node:wasi')
  const wasi = new WASI({ version: 'preview1' })
  const memory = new WebAssembly.Memory({ initial: 1 })
  wasi.initialize({ exports: { memory } })
  const result = new BigUint64Array(memory.buffer, 0, 1)
  return () => {
    const refused = wasi.wasiImport.clock_time_get(THREAD_TIME, 1n, 0)
    if (refused !== 0) throw new Error(`The clock of this thread cannot be read: ${refused}`)
    return Number(result[0])
  }
}

/** The most that the thread worked in a turn, in nanoseconds of its processor time, while `work` went on. */
export async function mostWork(work) {
  clock ??= await threadClock()
  let most = 0
  let going = true
  let before = clock()
  const turn = () => {
    const now = clock()
    most = Math.max(most, now - before)
    before = now
    // Called once in each turn, behind what came in; without a reference it keeps the loop from no sleep.
    if (going) setImmediate(turn).unref()
  }
  turn()
  await work()
  // What follows the end in the same turn is still part of it.
  await new Promise((resolve) => setImmediate(resolve))
  going = false
  turn()
  return most
}
