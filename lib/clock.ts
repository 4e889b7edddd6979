/**
 * Node's clock, taken when the library is imported: who plays with it later, as tests do with timers that they turn by
 * hand, must not hold up what Node itself does by other means.
 */
const timers = process.getBuiltinModule?.('node:timers') ?? globalThis
// Node loads `performance` when it is looked at, and its own `process` when it is asked for.
const { hrtime } = process

export const { setTimeout, clearTimeout, setInterval, setImmediate } = timers

/** Milliseconds since some time of the past. */
export function monotonic(): number {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}
