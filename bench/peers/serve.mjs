/** The peer's side of the protocol: `current 20 100` asks for 20 batches of 100 operations, answered by ns of each. */
import { createInterface } from 'node:readline'

/** Serves what `operations` makes: functions to repeat, asynchronous ones awaited one by one. */
export async function serve(operations) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, batches, size] = line.split(' ')
    try {
      const operation = operations[name]()
      const times = await measure(operation, Number(batches), Number(size))
      console.log(times.map(Math.round).join(' '))
    } catch (error) {
      console.log(`! ${String(error.message).replaceAll('\n', ' ')}`)
    }
  }
}

async function measure(operation, batches, size) {
  const times = []
  const first = operation()
  const asynchronous = first instanceof Promise
  await first
  for (let batch = 0; batch < batches; batch++) {
    const start = process.hrtime.bigint()
    if (asynchronous) for (let i = 0; i < size; i++) await operation()
    else for (let i = 0; i < size; i++) operation()
    times.push(Number(process.hrtime.bigint() - start) / size)
  }
  return times
}
