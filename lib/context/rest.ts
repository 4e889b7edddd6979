/**
 * Node 20 and 22 keep contexts in resources: from the first context on a hook copies, for each resource, what the running
 * one has, and that costs whoever is outside too. While no context is left there is nothing to copy, and the hook is off.
 */
import type { AsyncHook, AsyncLocalStorage } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import { runtimeLacks } from '../errors.ts'
import { shownBinding } from './bindings.ts'
import { Patches } from './patches.ts'

type Resource = { [key: symbol]: unknown }

/** A storage that keeps what is stored in resources, under a symbol of its own. */
interface InResources extends AsyncLocalStorage<object | undefined> {
  readonly enabled: boolean
  readonly kResourceStore: symbol
  _enable(): void
  /** Called for each new resource, right after Node has asked for the running one. */
  _propagate?(resource: Resource, running: Resource, type: string): void
}

/** What Node tells of the hooks that are on: how many there are of each kind, and whether anybody asked for resources. */
interface Counts {
  async_hook_fields: Uint32Array
  constants: { kTotals: number; kUsesExecutionAsyncResource?: number }
}

/**
 * Has Node call directly what native code calls. While there are hooks, as a storage's, all that goes by a function of
 * JavaScript once anybody asked for the running resource, to have it at hand for who asks again; a storage asks for each
 * new resource, but what it is saved is less than what the way around costs all who are called. That somebody asked is a
 * hint: whoever asks next is told of the right one all the same.
 */
function callDirectly(storage: InResources, { async_hook_fields: fields, constants }: Counts): void {
  const { kResourceStore: key, _propagate } = storage
  const { kUsesExecutionAsyncResource: asked } = constants
  if (typeof _propagate !== 'function' || asked === undefined) return
  // What Node's own does by itself, as to call that takes as long as is saved. `wake` proves that what is stored is passed on.
  storage._propagate = (resource, running) => {
    fields[asked] = 0
    resource[key] = running[key]
  }
}

/** Has a storage rest while nothing that was stored in it is left, which is when the collector has found it all gone. */
export class Rest {
  readonly #storage: InResources
  /** Undefined where Node shows none: then there is no rest. */
  readonly #counts: Counts | undefined
  readonly #isShared: () => boolean
  readonly #gone = new FinalizationRegistry(() => this.#end())
  #left = 0
  /**
   * On at rest. Node goes on following which promise runs, so that whoever enters a context later is alone in it; to be
   * told of what becomes of promises is the one thing that costs nothing but that.
   */
  #follower: AsyncHook | undefined
  #isWatching = false

  private constructor(storage: InResources, counts: Counts | undefined, isShared: () => boolean) {
    this.#storage = storage
    this.#counts = counts
    this.#isShared = isShared
  }

  /**
   * @param isShared - whether anybody else may have stored something, of which nobody could say that it is gone
   * @returns undefined for a storage that costs nothing outside
   */
  static of(storage: AsyncLocalStorage<object | undefined>, isShared: () => boolean): Rest | undefined {
    const { enabled, kResourceStore, _enable } = storage as Partial<InResources>
    const isInResources =
      typeof enabled === 'boolean' && typeof kResourceStore === 'symbol' && typeof _enable === 'function'
    if (!isInResources) return undefined
    const counts = shownBinding('async_wrap') as Counts | undefined
    if (counts !== undefined) callDirectly(storage as InResources, counts)
    return new Rest(storage as InResources, counts, isShared)
  }

  /**
   * `object` is about to be stored for the first time.
   *
   * @throws `ERR_NETNS_RUNTIME` if Node would not follow it
   */
  expect(object: object): void {
    // Counted first, as a timeout of vm's may interrupt this: never is one less counted than there are.
    this.#left += 1
    this.#gone.register(object, undefined)
    if (!this.#storage.enabled || this.#follower !== undefined) this.#wake()
  }

  #end(): void {
    this.#left -= 1
    if (this.#left > 0 || !this.#storage.enabled || this.#isShared()) return
    if (this.#counts !== undefined) this.#rest(this.#counts)
  }

  /** Unless hooks of others are on, which Node would have to call anyway. */
  #rest({ async_hook_fields: fields, constants: { kTotals, kUsesExecutionAsyncResource: asked } }: Counts): void {
    const countHooks = () => fields[kTotals] ?? 0
    // All storages together have one.
    if (countHooks() !== 1) return
    this.#storage.disable()
    if (countHooks() > 0) {
      this.#storage._enable()
      return
    }
    this.#watchHooks()
    const follower = builtin('async_hooks').createHook({ promiseResolve() {} })
    follower.enable()
    this.#follower = follower
    // While there are hooks, as the follower is one, all that native code calls goes by a function of JavaScript once anybody
    // asked for the running resource, as the storage has. It is a hint: whoever asks is told of the right one all the same.
    if (asked !== undefined) fields[asked] = 0
  }

  #wake(): void {
    const follower = this.#follower
    this.#follower = undefined
    // First, or Node would go on telling of promises.
    follower?.disable()
    this.#storage._enable()
    const mark = {}
    const followed: object = this.#storage.run(mark, async () => {})
    if (Reflect.get(followed, this.#storage.kResourceStore) === mark) return
    this.#storage.disable()
    throw runtimeLacks('hooks of async_hooks that hold from where they are put on, as in a hook they do not')
  }

  /**
   * What is put on in another hook holds only after it, so that a context could not begin there: there is no rest while
   * others have hooks.
   */
  #watchHooks(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    const wake = () => {
      if (this.#follower !== undefined) this.#wake()
    }
    const prototype = Object.getPrototypeOf(builtin('async_hooks').createHook({}))
    new Patches().method(prototype, 'enable', (original) => {
      return function (this: unknown) {
        wake()
        return original.call(this)
      }
    })
  }
}
