export type { Child } from './lib/command/child.ts'
export type { Command } from './lib/command/command.ts'
export type { Exit } from './lib/command/launcher.ts'
export type { CommandOptions } from './lib/command/options.ts'
export type { Output } from './lib/command/output.ts'
export type { StdioItem, StdioOption } from './lib/command/stdio.ts'
export type { Wrapper, WrapperOptions } from './lib/command/wrapper.ts'
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
