/** Which network is "here": an async context has a namespace as it has a trace id. */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import { outsideContext } from '../errors.ts'
import { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import { parts } from '../parts.ts'
import { nodeGlobal } from '../realm.ts'
import { callInside, runSync } from '../thread.ts'
import type { AnyFunction } from './patches.ts'
import type { Rest } from './rest.ts'
import { Stay, stayIn } from './stay.ts'

/** What I/O outside every context does: goes home, is refused, or goes to one namespace. */
export type OutsidePolicy = 'home' | 'deny' | Namespace

/** Where all copies of this library in a process keep whose context is running, so that the innermost one holds. */
const STORAGE = Symbol.for('node-netns.storage')
/** On the storage, once a second copy has it. */
const SHARED = Symbol.for('node-netns.shared')

/** Made for the first context, by whichever copy of this library has it. What others entered, their hooks see to. */
let storage: AsyncLocalStorage<object | undefined> | undefined
/** Whether it is new, so that nobody else can have it yet. */
let isNew = false
/** Of a storage that costs whoever is outside, if it is ours. */
let rest: Rest | undefined
let outsidePolicy: OutsidePolicy = 'home'

/** The namespace of the running async context, if it has one of its own. */
export function contextOf(): Namespace | undefined {
  const stored = storage?.getStore()
  return stored instanceof Stay ? stored.namespace : undefined
}

/** The running context, if another copy of this library entered it: a namespace of that one's. */
export function foreignContext(): { readonly fd: number } | undefined {
  const stored = storage?.getStore()
  return stored === undefined || stored instanceof Stay ? undefined : (stored as { readonly fd: number })
}

/**
 * Where I/O that starts now belongs: the context's namespace, or what the policy says outside of all. `undefined` is
 * where the thread is anyway.
 *
 * @throws `ERR_NETNS_OUTSIDE` if the policy denies
 */
export function here(): Namespace | undefined {
  const stored = storage?.getStore()
  if (stored !== undefined) return stored instanceof Stay ? stored.namespace : undefined
  if (outsidePolicy === 'home') return undefined
  if (outsidePolicy === 'deny') throw outsideContext()
  return outsidePolicy
}

/** Whether {@link here} is where the thread is anyway, without a refusal: the quickest question. */
export function isNowhereElse(): boolean {
  const stored = storage?.getStore()
  return stored === undefined ? outsidePolicy === 'home' : !(stored instanceof Stay)
}

/** As {@link here}, unless that is the network where the process is by itself, in which all of Node is right as it is. */
export function elsewhere(): Namespace | undefined {
  const place = here()
  return place === undefined || place.isHome ? undefined : place
}

/** As {@link here}, without a refusal: for what makes no I/O by itself. */
export function hereOrHome(): Namespace | undefined {
  const stored = storage?.getStore()
  if (stored === undefined) return outsideOrHome()
  return stored instanceof Stay ? stored.namespace : undefined
}

/** Where I/O outside of every context goes, without a refusal. */
export function outsideOrHome(): Namespace | undefined {
  return outsidePolicy instanceof Namespace ? outsidePolicy : undefined
}

/**
 * Runs `fn` in a context of `namespace`, or outside of all contexts. That hooks are installed is the caller's business.
 */
export function runIn<A extends unknown[], R>(namespace: Namespace | undefined, fn: (...args: A) => R, ...args: A): R {
  storage ??= made()
  const stored = storedFor(namespace)
  runs++
  try {
    return storage.run(stored, fn, ...args)
  } finally {
    runs--
  }
}

/** What calls `fn` in the current context, whatever the caller's is. */
export function returning(fn: AnyFunction): AnyFunction {
  const place = contextOf()
  return function (this: unknown, ...args: unknown[]) {
    const call = () => fn.apply(this, args)
    return contextOf() === place ? call() : runIn(place, call)
  }
}

/** Where Node 20 and 22 keep the values of storages: in the resource that is running, each under a symbol of its own. */
type Resource = { [key: symbol]: object | undefined }

/** A handle, which is the resource that runs when its events do. */
interface Adopted {
  asyncReset?(resource: object): void
}

/** What Node calls the turn of the program itself, which is in no event. */
const MAIN = 1

/** The running one. */
let running: () => Resource
/** The symbol of ours, once the running resource was seen to have there what was stored; `null` if it has not. */
let key: symbol | null | undefined

/**
 * The events of a handle run in the current context from now on. Node makes some outside of all, and without this they
 * would stay there.
 */
export function adopt(handle: object): void {
  const stored = storage?.getStore()
  if (!(stored instanceof Stay)) return
  if (key === undefined) key = keyOf(stored)
  // Node's own way begins every storage and every hook there is anew.
  if (key === null) (handle as Adopted).asyncReset?.(handle)
  else (handle as Resource)[key] = stored
}

/** A handle that was made in a context belongs to none, as it is for all. */
export function disown(handle: object): void {
  const stored = storage?.getStore()
  if (!(stored instanceof Stay)) return
  if (key === undefined) key = keyOf(stored)
  if (key !== null) (handle as Resource)[key] = undefined
}

/**
 * Runs `fn` with the thread inside, and in a context of `namespace`: what {@link runIn} and `runSync` would do together.
 * Where contexts are kept in resources, the running one is asked for once, not three times.
 */
export function runThreadIn<A extends unknown[], R>(
  namespace: Namespace,
  slot: number,
  fn: (...args: A) => R,
  args: A
): R {
  const own = key
  if (own === undefined || own === null) return runThreadAnywhere(namespace, slot, fn, args)
  const stay = stayIn(namespace, begun)
  const resource = running()
  const before = resource[own]
  resource[own] = stay
  runs++
  try {
    return runSync(slot, fn, args)
  } finally {
    runs--
    resource[own] = before
  }
}

/** As {@link runThreadIn} wherever contexts are kept. */
function runThreadAnywhere<A extends unknown[], R>(
  namespace: Namespace,
  slot: number,
  fn: (...args: A) => R,
  args: A
): R {
  storage ??= made()
  const before = storage.getStore()
  const stay = stayIn(namespace, begun)
  storage.enterWith(stay)
  if (key === undefined) key = keyOf(stay)
  runs++
  try {
    return runSync(slot, fn, args)
  } finally {
    runs--
    storage.enterWith(before)
  }
}

/** The symbol under which the running resource has what is stored now; `null` if it is kept elsewhere. */
function keyOf(stored: object): symbol | null {
  const { kResourceStore } = storage as { kResourceStore?: unknown }
  if (typeof kResourceStore !== 'symbol') return null
  return running()[kResourceStore] === stored ? kResourceStore : null
}

/** Ends every context, right before the first one: until there is one, they cost nothing and show nowhere. */
export function endContexts(): void {
  key = undefined
  if (isNew) storage?.disable()
  isNew = false
}

/** The rest of the running context is in `namespace`, or in none. */
export function enterIn(namespace: Namespace | undefined): void {
  storage ??= made()
  storage.enterWith(storedFor(namespace))
}

/** What is stored in contexts of `namespace`. With `undefined` for a store it is as if there were none. */
function storedFor(namespace: Namespace | undefined): Stay | undefined {
  return namespace === undefined ? undefined : stayIn(namespace, begun)
}

/** There are contexts of another namespace from now on. */
function begun(stay: Stay): void {
  rest?.expect(stay)
}

/** How many calls are under way that put back what is entered in them. */
let runs = 0
/** What was entered last by what runs now. */
const entered = new WeakMap<Resource, Stay>()

/**
 * As {@link enterIn} until the running turn ends: a timer, a socket or a port runs again, and where contexts are kept in
 * resources it would be there still.
 */
export function enterForTurn(namespace: Namespace): void {
  storage ??= made()
  const before = storage.getStore()
  const stay = stayIn(namespace, begun)
  storage.enterWith(stay)
  if (key === undefined) key = keyOf(stay)
  const own = key
  if (own === null || runs > 0 || builtin('async_hooks').executionAsyncId() === MAIN) return
  const resource = running()
  const again = entered.has(resource)
  entered.set(resource, stay)
  if (again) return
  void Promise.resolve().then(() => {
    // Otherwise somebody else has seen to it.
    if (resource[own] === entered.get(resource)) resource[own] = before
    entered.delete(resource)
  })
}

/** Notes how many calls are under way, and returns what puts that back where they were interrupted. */
export function noteRuns(): () => void {
  const before = runs
  return () => {
    runs = before
  }
}

/** Sets what {@link here} says outside of every context. */
export function setOutside(policy: OutsidePolicy): void {
  outsidePolicy = policy
}

function made(): AsyncLocalStorage<object | undefined> {
  const { AsyncLocalStorage, executionAsyncResource } = builtin('async_hooks')
  const realm = nodeGlobal() as { [STORAGE]?: AsyncLocalStorage<object | undefined> }
  isNew = realm[STORAGE] === undefined
  if (isNew) Object.defineProperty(realm, STORAGE, { value: new AsyncLocalStorage() })
  const found = realm[STORAGE] as AsyncLocalStorage<object | undefined> & { [SHARED]?: boolean }
  if (isNew) rest = parts.context.Rest.of(found, () => found[SHARED] === true)
  else found[SHARED] = true
  storage = found
  running = executionAsyncResource as typeof running
  return storage
}

const brokered = new WeakMap<Namespace, boolean>()

/**
 * Whether this process may not go there, and another does for it what has to be done inside: what it makes is passed on
 * as descriptors.
 */
export function isBrokered(namespace: Namespace): boolean {
  let known = brokered.get(namespace)
  if (known === undefined) {
    known = attempt((native) => native.isBrokered(namespace.handle))
    brokered.set(namespace, known)
  }
  return known
}

/** Calls `fn` with the thread inside, synchronously. What `fn` throws passes untouched. */
export function inside<R>(namespace: Namespace, fn: () => R): R {
  return callInside(namespace.slot, fn, [])
}
