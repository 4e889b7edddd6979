/** What Node does synchronously: children, Workers, the list of interfaces. */
import { createRequire } from 'node:module'
import type { WorkerOptions } from 'node:worker_threads'
import { builtin } from '../builtin.ts'
import { capturedReference } from '../errors.ts'
import { spawnBrokered, waitingBrokered } from './children.ts'
import { listInterfaces } from './interfaces.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { here, inside, isBrokered } from './place.ts'
import type { Prototypes } from './prototypes.ts'

/** Puts the hooks on. */
export function hookCalls(patches: Patches, { process: child, worker }: Prototypes): void {
  patches.method(child, 'spawn', (original) => calling(original, spawnBrokered))
  const childProcess = builtin('child_process')
  for (const [name, brokered] of Object.entries(waitingBrokered)) {
    patches.method(childProcess, name, (original) =>
      calling(original, (_original, _this, place, ...args) => brokered(original, place, args))
    )
  }
  patches.method(builtin('os'), 'networkInterfaces', (original) =>
    calling(original, (_original, _this, place) => listInterfaces(place))
  )
  hookWorkers(patches, worker)
}

/** The whole call is made with the thread inside, or in another way where the thread may not go. */
function calling(original: AnyFunction, brokered: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return original.apply(this, args)
    if (isBrokered(place)) return brokered(original, this, place, ...args)
    return inside(place, () => original.apply(this, args))
  }
}

/**
 * A Worker's thread is born inside; the first module it loads is ours, as `dns.lookup` would use the pool at home. Where
 * a thread may not go, it is born at home, and that module puts all that is started there into the namespace.
 */
function hookWorkers(patches: Patches, prototype: Prototypes['worker']): void {
  let ours = false
  const threads = builtin('worker_threads')
  const { Worker } = threads
  // Asked now, as an `async_hooks` hook of the program's would see it later.
  const flags = inheritedFlags(Worker)
  class InsideWorker extends Worker {
    constructor(filename: string | URL, options?: WorkerOptions) {
      const place = here()
      const outer = ours
      const outerPlace = threads.getEnvironmentData(WORKER_PLACE)
      // Held open until the Worker has ended, as it opens the namespace by this number.
      const held = place !== undefined && isBrokered(place) ? place.handle.share() : undefined
      ours = true
      if (place !== undefined) {
        const told: WorkerPlace = { name: place.name, fd: held?.descriptor(), id: place.id }
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
  Object.defineProperty(InsideWorker, 'name', { value: 'Worker' })
  patches.value(threads, 'Worker', InsideWorker)
  patches.method(prototype, 'startThread', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const place = here()
      if (place === undefined) return original.apply(this, args)
      if (!ours) throw capturedReference('Worker', 'new Worker')
      if (isBrokered(place)) return original.apply(this, args)
      return inside(place, () => original.apply(this, args))
    }
  })
}

type WorkerClass = typeof import('node:worker_threads').Worker

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
}

/**
 * Options with which a Worker's first module is ours. It is required, not imported: evaluated scripts do not wait for
 * imports.
 */
function preloading(flags: string[], options: WorkerOptions = {}): WorkerOptions {
  const { execArgv = flags } = options
  // What Node refuses is left for it to refuse.
  if (!Array.isArray(execArgv)) return options
  const register = createRequire(import.meta.url).resolve('node-netns/register')
  return { ...options, execArgv: ['--require', register, ...execArgv] }
}

/**
 * The process's own flags, for a Worker: those that no Worker takes are ignored when inherited, but refused when passed.
 * Which ones, a Worker tells that gets no further than its data.
 */
function inheritedFlags(Worker: WorkerClass): string[] {
  let inherited = process.execArgv
  if (inherited.length === 0) return inherited
  try {
    new Worker('', { eval: true, execArgv: inherited, workerData: () => {} })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_WORKER_INVALID_EXEC_ARGV') {
      const refused = new Set(message.split(': ').at(-1)?.split(', '))
      inherited = inherited.filter((flag) => !refused.has(flag))
    }
  }
  return inherited
}
