/** The peer's side of the protocol: `current 20 100` asks for 20 batches of 100 operations, answered by ns of each. */
import { createInterface } from 'node:readline'

/**
 * Serves what `operations` makes: functions to repeat, asynchronous ones awaited one by one; or `{ many, after, end }`,
 * whose `many(count)` repeats by itself, whose `after()` is awaited behind each batch and not measured, and whose `end()`
 * leaves nothing open; or `{ timed }`, whose `timed(count)` tells by itself the nanoseconds that one took.
 */
export async function serve(operations) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, batches, size] = line.split(' ')
    try {
      const operation = await operations[name]()
      const times = await measure(operation, Number(batches), Number(size))
      await operation.end?.()
      console.log(times.map(Math.round).join(' '))
    } catch (error) {
      console.log(`! ${String(error.message).replaceAll('\n', ' ')}`)
    }
  }
}

async function measure(operation, batches, size) {
  const times = []
  if (operation.timed !== undefined) {
    for (let batch = 0; batch < batches; batch++) times.push(await operation.timed(size))
    return times
  }
  const many = operation.many ?? (await repeated(operation))
  for (let batch = 0; batch < batches; batch++) {
    const start = process.hrtime.bigint()
    const more = many(size)
    if (more !== undefined) await more
    times.push(Number(process.hrtime.bigint() - start) / size)
    await operation.after?.()
  }
  return times
}

/** A first time tells whether there is something to await. */
async function repeated(operation) {
  const first = operation()
  const asynchronous = first instanceof Promise
  await first
  if (!asynchronous) {
    return (size) => {
      for (let i = 0; i < size; i++) operation()
    }
  }
  return async (size) => {
    for (let i = 0; i < size; i++) await operation()
  }
}

/** `{ many }` of `start(done)`, of which `width` are under way at any time. */
export function inFlight(width, start) {
  return (count) =>
    new Promise((resolve, reject) => {
      let started = 0
      let ended = 0
      const done = (error) => {
        if (error) return reject(error)
        ended += 1
        if (started < count) next()
        else if (ended === count) resolve()
      }
      const next = () => {
        started += 1
        start(done)
      }
      for (let index = 0; index < Math.min(width, count); index++) next()
    })
}
