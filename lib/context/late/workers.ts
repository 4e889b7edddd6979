/** Workers: threads that are born inside, or at home where the thread may not go, and live in the namespace. */
import { createRequire } from 'node:module'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import { builtin, overlaid } from '../../builtin.ts'
import { capturedReference } from '../../errors.ts'
import { parts } from '../../parts.ts'
import type { AnyFunction, Patches } from '../patches.ts'
import { here, inside, isBrokered, isUnlikeNode } from '../place.ts'
import type { Making } from '../web/workers.ts'
import { probeWorker } from './worker-probe.ts'

type WorkerClass = typeof Worker

/**
 * The class of Workers in contexts. A Worker's thread is born inside; the first module it loads is ours, as `dns.lookup`
 * would use the pool at home. Where a thread may not go, it is born at home, and that module puts all that is started
 * there into the namespace.
 *
 * @param patches - for hooks on what all Workers are made of
 * @throws `ERR_NETNS_RUNTIME` if Workers are made in another way here
 */
export function workersInside(patches: Patches, Worker: WorkerClass, making: Making): WorkerClass {
  const found = probed(Worker, making)
  if (found === undefined) {
    // Whatever makes one is refused by Node itself.
    making.isOurs = true
    return Worker
  }
  const { prototype, flags } = found
  const threads = builtin('worker_threads')
  patches.method(prototype, 'startThread', (original) => starting(original, making))
  parts.context.keepThroughScripts(() => {
    const before = threads.getEnvironmentData(WORKER_PLACE)
    return () => threads.setEnvironmentData(WORKER_PLACE, before)
  })
  return class InsideWorker extends Worker {
    constructor(filename: string | URL, options?: WorkerOptions) {
      const place = here()
      const outer = making.isOurs
      const outerPlace = threads.getEnvironmentData(WORKER_PLACE)
      // Held open until the Worker has ended, as it opens the namespace by this number.
      const held = place !== undefined && isBrokered(place) ? place.handle.share() : undefined
      making.isOurs = true
      if (place !== undefined) {
        const execArgv = listed(options, process.execArgv)?.map(String)
        const told: WorkerPlace = { name: place.name, fd: held?.descriptor(), id: place.id, execArgv }
        threads.setEnvironmentData(WORKER_PLACE, told as never)
      }
      try {
        super(filename, place === undefined ? options : preloading(flags, options))
      } catch (error) {
        held?.close()
        throw error
      } finally {
        making.isOurs = outer
        if (place !== undefined) threads.setEnvironmentData(WORKER_PLACE, outerPlace)
      }
      if (held !== undefined) this.once('exit', () => held.close())
    }
  }
}

function probed(Worker: WorkerClass, making: Making): ReturnType<typeof probeWorker> {
  making.isOurs = true
  try {
    return probeWorker(Worker)
  } finally {
    making.isOurs = false
  }
}

function starting(original: AnyFunction, making: Making): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return original.apply(this, args)
    if (!making.isOurs && isUnlikeNode(place)) throw capturedReference('Worker', 'new Worker')
    if (isBrokered(place)) return original.apply(this, args)
    return inside(place, () => original.apply(this, args))
  }
}

/** Under this key a Worker finds what it must know of the namespace that it is in. */
export const WORKER_PLACE = 'node-netns.place'

/** That. */
export interface WorkerPlace {
  /** Its name. */
  name: string | undefined
  /** Its descriptor, if the thread was not born inside. */
  fd: number | undefined
  /** `net:[…]`. */
  id: string
  /** What `process.execArgv` is but for our own flags. */
  execArgv: string[] | undefined
}

/**
 * Options with which a Worker's first module is ours. It is required, not imported: evaluated scripts do not wait for
 * imports.
 */
function preloading(flags: string[], options: WorkerOptions = {}): WorkerOptions {
  // Whatever else is no object, Node reads as one without properties.
  if (options === null) return options
  const execArgv = listed(options, flags)
  // What Node refuses is left for it to refuse.
  if (execArgv === undefined) return options
  const register = createRequire(import.meta.url).resolve('node-netns/register')
  return overlaid(Object(options), { execArgv: ['--require', register, ...execArgv] })
}

/** The flags that are asked for, or the process's own, as Node reads them: whatever is false is nothing. */
function listed(options: WorkerOptions | undefined, inherited: string[]): string[] | undefined {
  const flags: unknown = options?.execArgv || inherited
  return Array.isArray(flags) ? flags : undefined
}
