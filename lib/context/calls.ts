/** What Node does synchronously: children, Workers, the list of interfaces. */
import type { WorkerOptions } from 'node:worker_threads'
import { capturedReference } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { builtin } from './builtin.ts'
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
  class InsideWorker extends Worker {
    constructor(filename: string | URL, options?: WorkerOptions) {
      const place = here()
      const outer = ours
      ours = true
      try {
        super(filename, place === undefined ? options : { ...options, execArgv: preloading(place, options?.execArgv) })
      } finally {
        ours = outer
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

function preloading(place: Namespace, execArgv: readonly string[] = process.execArgv): string[] {
  const register = new URL(import.meta.url.endsWith('.ts') ? '../../register.ts' : '../../register.js', import.meta.url)
  if (place.name !== undefined) register.searchParams.set('name', place.name)
  return [...execArgv, '--import', register.href]
}
