/**
 * Node 20 and 22 keep contexts in resources: from the first context on a hook copies, for each resource, what the running
 * one has, and that costs whoever is outside too. While no context is left there is nothing to copy, and the hook is off.
 */
import type { AsyncHook, AsyncLocalStorage } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import { runtimeLacks } from '../errors.ts'
import { Patches } from './patches.ts'
import { type Counts, countsOfHooks, forgetAsking, type InResources, inResources } from './resources.ts'

/** Has a storage rest while nothing that was stored in it is left, which is when the collector has found it all gone. */
export class Rest {
  readonly #storage: InResources
  readonly #isShared: () => boolean
  readonly #gone = new FinalizationRegistry(() => this.#end())
  #left = 0
  /**
   * On at rest. Node goes on following which promise runs, so that whoever enters a context later is alone in it; to be
   * told of what becomes of promises is the one thing that costs nothing but that.
   */
  #follower: AsyncHook | undefined
  #isWatching = false

  private constructor(storage: InResources, isShared: () => boolean) {
    this.#storage = storage
    this.#isShared = isShared
  }

  /**
   * @param isShared - whether anybody else may have stored something, of which nobody could say that it is gone
   * @returns undefined for a storage that costs nothing outside
   */
  static of(storage: AsyncLocalStorage<object | undefined>, isShared: () => boolean): Rest | undefined {
    const found = inResources(storage)
    return found === undefined ? undefined : new Rest(found, isShared)
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
    const counts = countsOfHooks()
    if (counts !== undefined) this.#rest(counts)
  }

  /** Unless hooks of others are on, which Node would have to call anyway. */
  #rest(counts: Counts): void {
    const countHooks = () => counts.async_hook_fields[counts.constants.kTotals] ?? 0
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
    // The follower is a hook too, and the storage has asked.
    forgetAsking(counts)
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
