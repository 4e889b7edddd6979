export { type ErrorRecord, NetnsError } from './lib/errors.ts'
export type { Owner } from './lib/namespace.ts'
export { NetNs } from './lib/netns.ts'
export { type Ability, type Probe, probe } from './lib/probe.ts'
export type {
  CreateOptions,
  DeleteOptions,
  NamedNetNs,
  NameEvent,
  RegistryOptions,
  WatchOptions
} from './lib/registry.ts'
export type { Runtime } from './lib/runtime.ts'
export type { EnterThreadOptions } from './lib/thread.ts'
