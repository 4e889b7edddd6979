/**
 * Node's clock, taken when the library is imported: who plays with it later, as tests do with timers that they turn by
 * hand, must not hold up what Node does below JavaScript, by no such timer.
 */
const timers = process.getBuiltinModule?.('node:timers') ?? globalThis

export const { setTimeout, clearTimeout, setImmediate } = timers
export const { performance } = globalThis
