/** Whose context is running: what Node carries along from whoever starts something to what comes of it. */
import type { AsyncLocalStorage } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import { readOnly } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { nodeGlobal } from '../realm.ts'
import { runSync } from '../thread.ts'
import type { AnyFunction } from './patches.ts'
import type { Rest } from './rest.ts'
import { Stay, stayIn } from './stay.ts'

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

/** What is stored now, by this copy of the library or another one. */
export function stored(): object | undefined {
  return storage?.getStore()
}

/** The namespace of the running async context, if it has one of its own. */
export function contextOf(): Namespace | undefined {
  return namespaceIn(stored())
}

/** The running context, if another copy of this library entered it: a namespace of that one's. */
export function foreignContext(): { readonly fd: number } | undefined {
  const found = stored()
  return found === undefined || found instanceof Stay ? undefined : (found as { readonly fd: number })
}

/** The namespace that is meant by what is stored, if it is of this copy of the library. */
export function namespaceIn(found: object | undefined): Namespace | undefined {
  return found instanceof Stay ? found.namespace : undefined
}

/**
 * Runs `fn` in a context of `namespace`, or outside of all contexts. That hooks are installed is the caller's business.
 */
export function runIn<A extends unknown[], R>(namespace: Namespace | undefined, fn: (...args: A) => R, ...args: A): R {
  storage ??= made()
  const stay = storedFor(namespace)
  runs++
  try {
    return storage.run(stay, fn, ...args)
  } finally {
    runs--
  }
}

/** What calls `fn` in the current context, whatever the caller's is, and whichever copy of this library entered it. */
export function returning(fn: AnyFunction): AnyFunction {
  const place = contextOf()
  const foreign = foreignContext()
  return function (this: unknown, ...args: unknown[]) {
    const call = () => fn.apply(this, args)
    if (foreign !== undefined) return storage?.run(foreign, call)
    return contextOf() === place && foreignContext() === undefined ? call() : runIn(place, call)
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
 *
 * @param stay - what is stored in it
 */
export function adopt(handle: object, stay = stored()): void {
  if (!(stay instanceof Stay)) return
  if (key === undefined) key = keyOf(stay)
  // Node's own way begins every storage and every hook there is anew.
  if (key === null) (handle as Adopted).asyncReset?.(handle)
  else (handle as Resource)[key] = stay
}

/** Where contexts are kept out of reach: calls a function as where a handle was made, which was in a context. */
const madeIn = new WeakMap<object, (fn: () => void) => void>()

/** To be told of a handle that may be {@link disown}ed, where it is made. */
export function noteMade(handle: object): void {
  if (!(stored() instanceof Stay) || storeKey() !== undefined) return
  madeIn.set(handle, builtin('async_hooks').AsyncLocalStorage.snapshot())
}

/** A handle that may have been made in a context belongs to none from now on. Other storages keep what they had. */
export function disown(handle: object): void {
  const own = storeKey()
  if (own === undefined) madeIn.get(handle)?.(() => runIn(undefined, () => (handle as Adopted).asyncReset?.(handle)))
  else if ((handle as Resource)[own] instanceof Stay) (handle as Resource)[own] = undefined
}

/** What tells the frame of contexts that a handle is called in, on Nodes that have those. */
const FRAME_OF = 'getAsyncContextFrameForDebuggingOnly'

/** A handle that has it. */
type Framed = { [FRAME_OF]?(): ReadonlyMap<unknown, object | undefined> | undefined }

/** Whether handles were seen to tell what is stored where they were made. */
let tells = false

/** Sees whether handles tell, by one of a context that is running. */
export function proveTelling(handle: object): void {
  const stay = stored()
  if (!(stay instanceof Stay)) return
  if (key === undefined) key = keyOf(stay)
  if (key === null) (handle as Adopted).asyncReset?.(handle)
  tells = key !== null || storedBy(handle) === stay
}

/** Whether handles can be asked what they {@link storedWith | were made with}. */
export function handlesTell(): boolean {
  return tells
}

/** What is stored where a handle was made, or adopted; `null` if it does not tell, or if another copy stored it. */
export function storedWith(handle: object): Stay | undefined | null {
  if (!tells) return null
  const found = storedBy(handle)
  return found === undefined || found instanceof Stay ? found : null
}

function storedBy(handle: object): object | undefined | null {
  const own = storeKey()
  if (own !== undefined) return (handle as Resource)[own]
  return FRAME_OF in handle ? (handle as Framed)[FRAME_OF]?.()?.get(storage) : null
}

/** The symbol under which resources have what is stored, if they do. */
function storeKey(): symbol | undefined {
  const { kResourceStore } = (storage ?? {}) as { kResourceStore?: unknown }
  return typeof kResourceStore === 'symbol' && key !== null ? kResourceStore : undefined
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
function keyOf(stay: Stay): symbol | null {
  const own = storeKey()
  return own !== undefined && running()[own] === stay ? own : null
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

function made(): AsyncLocalStorage<object | undefined> {
  const { AsyncLocalStorage, executionAsyncResource } = builtin('async_hooks')
  const realm = nodeGlobal() as { [STORAGE]?: AsyncLocalStorage<object | undefined> }
  isNew = realm[STORAGE] === undefined
  if (isNew && !Reflect.defineProperty(realm, STORAGE, { value: new AsyncLocalStorage() })) throw readOnly('globalThis')
  const found = realm[STORAGE] as AsyncLocalStorage<object | undefined> & { [SHARED]?: boolean }
  if (isNew) rest = parts.context.Rest.of(found, () => found[SHARED] === true)
  else found[SHARED] = true
  storage = found
  running = executionAsyncResource as typeof running
  return storage
}
