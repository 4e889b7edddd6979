/**
 * Node 20 and 22 keep contexts in resources, and while there are hooks they call whatever native code calls by way of a
 * function of JavaScript once anybody asked for the running resource, to have it at hand for who asks again.
 */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { shownBinding } from './bindings.ts'

/** A storage that keeps what is stored in resources, under a symbol of its own. */
export interface InResources extends AsyncLocalStorage<object | undefined> {
  readonly enabled: boolean
  readonly kResourceStore: symbol
  _enable(): void
}

/** What Node tells of the hooks that are on: how many there are of each kind, and whether anybody asked for resources. */
export interface Counts {
  async_hook_fields: Uint32Array
  constants: { kTotals: number; kUsesExecutionAsyncResource?: number }
}

/** A storage as Node 20 and 22 have it, if it is one. */
export function inResources(storage: AsyncLocalStorage<object | undefined>): InResources | undefined {
  const { enabled, kResourceStore, _enable } = storage as Partial<InResources>
  const isOne = typeof enabled === 'boolean' && typeof kResourceStore === 'symbol' && typeof _enable === 'function'
  return isOne ? (storage as InResources) : undefined
}

/** What Node shows of its hooks. */
export function countsOfHooks(): Counts | undefined {
  return shownBinding('async_wrap') as Counts | undefined
}

/** Nobody seems to have asked for resources. It is a hint: whoever does is told of the right one, and gives it anew. */
export function forgetAsking({ async_hook_fields: fields, constants }: Counts): void {
  const { kUsesExecutionAsyncResource: asked } = constants
  if (asked !== undefined) fields[asked] = 0
}
