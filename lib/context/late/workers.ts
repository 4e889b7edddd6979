/** Workers: threads that are born inside, or at home where the thread may not go, and live in the namespace. */
import { createRequire } from 'node:module'
import type { WorkerOptions } from 'node:worker_threads'
import { builtin } from '../../builtin.ts'
import { capturedReference, notCovered } from '../../errors.ts'
import { parts } from '../../parts.ts'
import type { Patches } from '../patches.ts'
import { here, inside, isBrokered } from '../place.ts'
import { probeWorker } from './worker-probe.ts'

/**
 * Puts the hooks on. A Worker's thread is born inside; the first module it loads is ours, as `dns.lookup` would use the
 * pool at home. Where a thread may not go, it is born at home, and that module puts all that is started there into the
 * namespace.
 */
export function hookWorkers(patches: Patches): void {
  const found = probeWorker()
  if (found === undefined) return
  const { prototype, flags } = found
  let ours = false
  const threads = builtin('worker_threads')
  class InsideWorker extends threads.Worker {
    constructor(filename: string | URL, options?: WorkerOptions) {
      const place = here()
      const outer = ours
      const outerPlace = threads.getEnvironmentData(WORKER_PLACE)
      // Held open until the Worker has ended, as it opens the namespace by this number.
      const held = place !== undefined && isBrokered(place) ? place.handle.share() : undefined
      ours = true
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
        ours = outer
        if (place !== undefined) threads.setEnvironmentData(WORKER_PLACE, outerPlace)
      }
      if (held !== undefined) this.once('exit', () => held.close())
    }
  }
  parts.context.keepThroughScripts(() => {
    const [before, beforePlace] = [ours, threads.getEnvironmentData(WORKER_PLACE)]
    return () => {
      ours = before
      threads.setEnvironmentData(WORKER_PLACE, beforePlace)
    }
  })
  Object.defineProperty(InsideWorker, 'name', { value: 'Worker' })
  patches.value(threads, 'Worker', InsideWorker)
  hookRegister(patches)
  patches.method(prototype, 'startThread', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const place = here()
      if (place === undefined) return original.apply(this, args)
      // At home, Node's pool, which looks names up, is in the right network too.
      if (!ours && !place.isHome) throw capturedReference('Worker', 'new Worker')
      if (isBrokered(place)) return original.apply(this, args)
      return inside(place, () => original.apply(this, args))
    }
  })
}

/** Hooks of modules have a thread, which is started for the first of them. */
function hookRegister(patches: Patches): void {
  patches.method(builtin('module'), 'register', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      try {
        return original.apply(this, args)
      } catch (error) {
        if ((error as NodeJS.ErrnoException | undefined)?.code !== 'ERR_NETNS_CAPTURED') throw error
        throw notCovered('module.register', 'the thread of these hooks would stay in that network')
      }
    }
  })
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
  const execArgv = listed(options, flags)
  // What Node refuses is left for it to refuse.
  if (execArgv === undefined) return options
  const register = createRequire(import.meta.url).resolve('node-netns/register')
  return { ...options, execArgv: ['--require', register, ...execArgv] }
}

/** The flags that are asked for, or the process's own, as Node reads them: whatever is false is nothing. */
function listed(options: WorkerOptions | undefined, inherited: string[]): string[] | undefined {
  const flags: unknown = options?.execArgv || inherited
  return Array.isArray(flags) ? flags : undefined
}
