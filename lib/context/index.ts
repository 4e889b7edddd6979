export { bind, enter, outside, prepareEarly, run, runSync } from './context.ts'
export { install } from './install.ts'
export { dnsOf } from './names.ts'
export { proveRuntime } from './prototypes.ts'
