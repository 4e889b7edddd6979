export type { Child } from './lib/command/child.ts'
export type { Command } from './lib/command/command.ts'
export type { Exit } from './lib/command/launcher.ts'
export type { CommandOptions } from './lib/command/options.ts'
export type { Output } from './lib/command/output.ts'
export type { StdioItem, StdioOption } from './lib/command/stdio.ts'
export type { Wrapper, WrapperOptions } from './lib/command/wrapper.ts'
export type { Address, AddressSpec } from './lib/config/address.ts'
export type { Addresses, AddressFilter } from './lib/config/addresses.ts'
export type { BulkResult } from './lib/config/bulk.ts'
export type { LinkRef } from './lib/config/check.ts'
export type { Link } from './lib/config/link.ts'
export type { CommonLinkSpec, LinkChanges, LinkKind, LinkSpec, VethPeer } from './lib/config/link-spec.ts'
export type { LinkFilter, Links } from './lib/config/links.ts'
export type { MonitorGroup, MonitorOptions, NetworkEvent } from './lib/config/monitor.ts'
export type { Borrowed, Moved } from './lib/config/move.ts'
export type { Neighbour, NeighbourFilter, NeighbourSpec, Neighbours } from './lib/config/neighbours.ts'
export type { Qdisc, QdiscSpec, Qdiscs } from './lib/config/qdisc.ts'
export type { Route } from './lib/config/route.ts'
export type { Nexthop, RouteSpec } from './lib/config/route-spec.ts'
export type { RouteFilter, RouteQuery, Routes } from './lib/config/routes.ts'
export type { Rule, RuleSpec, Rules } from './lib/config/rules.ts'
export type { Sysctl } from './lib/config/sysctl.ts'
export type { Uplink, UplinkOptions } from './lib/config/uplink.ts'
export type { ReadyOptions } from './lib/config/wait-ready.ts'
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
