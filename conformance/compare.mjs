/** Runs every test both ways, as many at a time as there are slots. */

/** A test may fail once or twice by chance, natively as inside; both ways get the same number of attempts. One that
 * hangs gets no other. */
const ATTEMPTS = 3

/**
 * What became of each test: `{ test, native, inside }`, `inside` only where the native run passed. `results` know what was
 * run before; what is not done by `deadline` is left for another time.
 */
export async function compare(slots, tests, { results, again, deadline }) {
  const run = { outcomes: [], total: tests.length, results, again, deadline }
  const beside = tests.filter(({ alone }) => !alone)
  await Promise.all(slots.map((slot) => work(slot, beside, run)))
  await work(
    slots[0],
    tests.filter(({ alone }) => alone),
    run
  )
  return run.outcomes
}

async function work(slot, queue, { outcomes, total, results, again, deadline }) {
  while (queue.length > 0 && Date.now() < deadline) {
    const test = queue.shift()
    const known = results.of(test)
    const native = known.native ?? (await attempt(() => slot.native(test)))
    const before = again ? undefined : known.inside
    const inside =
      native.state === 'passed' ? (before ?? (await attempt(() => slot.inside(test, native.spent)))) : undefined
    results.keep(test, { native, inside })
    outcomes.push({ test, native, inside })
    if (inside !== undefined && inside !== before && inside.state !== 'passed')
      console.log(`${test.name}: ${inside.state}, ${inside.why}`)
    if (outcomes.length % 100 === 0) console.log(`${outcomes.length} of ${total}`)
  }
}

async function attempt(run) {
  for (let attempts = 1; ; attempts++) {
    const outcome = await run()
    if (outcome.state !== 'failed' || outcome.late || attempts === ATTEMPTS) return { ...outcome, attempts }
  }
}
