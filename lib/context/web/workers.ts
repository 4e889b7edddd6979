/**
 * Workers, until the first one is made in a context: `late/workers.ts` makes their class then, as what that has to find
 * out takes longer than to put on most other hooks. Here is seen to that no Worker is made in a context by another class.
 */
import type { Worker } from 'node:worker_threads'
import { builtin } from '../../builtin.ts'
import { capturedReference, notCovered, readOnly } from '../../errors.ts'
import type { Namespace } from '../../namespace.ts'
import { parts } from '../../parts.ts'
import type { WorkerPlace } from '../late/workers.ts'
import type { AnyFunction, Patches } from '../patches.ts'
import { here, isBrokered, isStaying, isUnlikeNode } from '../place.ts'

type WorkerClass = typeof Worker

/** What the class of Workers in contexts tells whoever watches the one beneath it. */
export interface Making {
  /** Whether it is at work. */
  isOurs: boolean
}

/** Puts the hooks on. */
export function hookWorkers(patches: Patches): void {
  const threads = builtin('worker_threads')
  const making: Making = { isOurs: false }
  parts.context.keepThroughScripts(() => {
    const { isOurs } = making
    return () => {
      making.isOurs = isOurs
    }
  })
  let inside: WorkerClass | undefined
  const hooked = new Proxy(threads.Worker, {
    construct(target, args, newTarget) {
      if (here() === undefined) return Reflect.construct(target, args, newTarget)
      inside ??= parts.late.workersInside(patches, target, making)
      return Reflect.construct(inside, args, newTarget)
    }
  })
  // Where it cannot be watched, what it makes is.
  if (!watchClass(patches, threads.Worker, making)) {
    inside = parts.late.workersInside(patches, threads.Worker, making)
  }
  patches.value(threads.Worker.prototype, 'constructor', hooked)
  patches.value(threads, 'Worker', hooked)
  patches.replace(builtin('module'), 'register', registering(builtin('module').register as AnyFunction, making))
}

/**
 * Has a Worker refused that is made in a context by a reference to its class from before there were hooks. A class that
 * extends another asks each time which one that is, and calls it before all else.
 *
 * @returns whether it is such a class
 */
function watchClass(patches: Patches, Worker: object, making: Making): boolean {
  const { EventEmitter } = builtin('events')
  // Programs may have extended it.
  let root: unknown = Worker
  while (typeof root === 'function' && Object.getPrototypeOf(root) !== EventEmitter) root = Object.getPrototypeOf(root)
  if (typeof root !== 'function' || !String(root).startsWith('class ')) return false
  const watched = new Proxy(EventEmitter, {
    construct(target, args, newTarget) {
      const place = here()
      if (!making.isOurs && place !== undefined && isUnlikeNode(place)) throw capturedReference('Worker', 'new Worker')
      return Reflect.construct(target, args, newTarget)
    }
  })
  if (!Reflect.setPrototypeOf(root, watched)) throw readOnly('what Worker extends')
  patches.whenUndone(() => Object.setPrototypeOf(root, EventEmitter))
  return true
}

/**
 * Hooks of modules have a thread, which is started for the first of them and stays where that is: at home, or where this
 * Worker stays too. It has what is required before a program, and so our preload, which is told of the place.
 */
function registering(original: AnyFunction, making: Making): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return original.apply(this, args)
    if (place.isHome || isStaying(place)) return telling(place, making, () => original.apply(this, args))
    try {
      return original.apply(this, args)
    } catch (error) {
      if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_NETNS_CAPTURED') throw error
      throw notCovered('module.register', 'the thread of these hooks would stay in that network')
    }
  }
}

function telling(place: Namespace, making: Making, start: () => unknown): unknown {
  const threads = builtin('worker_threads')
  const { WORKER_PLACE } = parts.late
  const fd = isBrokered(place) ? place.handle.descriptor() : undefined
  const told: WorkerPlace = { name: place.name, fd, id: place.id, execArgv: undefined }
  const [outer, outerPlace] = [making.isOurs, threads.getEnvironmentData(WORKER_PLACE)]
  making.isOurs = true
  threads.setEnvironmentData(WORKER_PLACE, told as never)
  try {
    return start()
  } finally {
    making.isOurs = outer
    threads.setEnvironmentData(WORKER_PLACE, outerPlace)
  }
}
