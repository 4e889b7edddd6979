/** Runs every test both ways, as many at a time as there are slots. */

/** A test may fail once or twice by chance, natively as inside; both ways get the same number of attempts. One that
 * hangs gets no other. */
const ATTEMPTS = 3

/** What became of each test: `{ test, native, inside }`, `inside` only where the native run passed. */
export async function compare(slots, tests) {
  const outcomes = []
  const beside = tests.filter(({ alone }) => !alone)
  await Promise.all(slots.map((slot) => work(slot, beside, outcomes, tests.length)))
  await work(
    slots[0],
    tests.filter(({ alone }) => alone),
    outcomes,
    tests.length
  )
  return outcomes
}

async function work(slot, queue, outcomes, total) {
  for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
    const native = await attempt(() => slot.native(test))
    const inside = native.state === 'passed' ? await attempt(() => slot.inside(test, native.spent)) : undefined
    outcomes.push({ test, native, inside })
    if (inside !== undefined && inside.state !== 'passed') console.log(`${test.name}: ${inside.state}, ${inside.why}`)
    if (outcomes.length % 100 === 0) console.log(`${outcomes.length} of ${total}`)
  }
}

async function attempt(run) {
  for (let attempts = 1; ; attempts++) {
    const outcome = await run()
    if (outcome.state !== 'failed' || outcome.late || attempts === ATTEMPTS) return { ...outcome, attempts }
  }
}
