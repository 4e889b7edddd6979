/** What Node does synchronously: children, Workers, the list of interfaces. */
import { createRequire } from 'node:module'
import type { WorkerOptions } from 'node:worker_threads'
import { builtin } from '../builtin.ts'
import { capturedReference } from '../errors.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { here, inside } from './place.ts'
import type { Prototypes } from './prototypes.ts'

/** Puts the hooks on. */
export function hookCalls(patches: Patches, { process: child, worker }: Prototypes): void {
  patches.method(child, 'spawn', calling)
  const childProcess = builtin('child_process')
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) patches.method(childProcess, name, calling)
  patches.method(builtin('os'), 'networkInterfaces', calling)
  hookWorkers(patches, worker)
}

/** The whole call is made with the thread inside. */
function calling(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    return place === undefined ? original.apply(this, args) : inside(place, () => original.apply(this, args))
  }
}

/**
 * A Worker's thread is born inside; the first module it loads is ours, as `dns.lookup` would use the pool at home.
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
      const outerName = threads.getEnvironmentData(WORKER_NAME)
      ours = true
      if (place !== undefined) threads.setEnvironmentData(WORKER_NAME, place.name)
      try {
        super(filename, place === undefined ? options : preloading(flags, options))
      } finally {
        ours = outer
        if (place !== undefined) threads.setEnvironmentData(WORKER_NAME, outerName)
      }
    }
  }
  Object.defineProperty(InsideWorker, 'name', { value: 'Worker' })
  patches.value(threads, 'Worker', InsideWorker)
  patches.method(prototype, 'startThread', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const place = here()
      if (place === undefined) return original.apply(this, args)
      if (!ours) throw capturedReference('Worker', 'new Worker')
      return inside(place, () => original.apply(this, args))
    }
  })
}

type WorkerClass = typeof import('node:worker_threads').Worker

/** Under this key a Worker finds the name of the namespace that it was born in. */
export const WORKER_NAME = 'node-netns.name'

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
