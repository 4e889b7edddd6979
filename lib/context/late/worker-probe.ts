/** What hooks on Workers need to know of them, found out without making one: it would take the number of a thread. */
import type { Worker } from 'node:worker_threads'
import { runtimeLacks } from '../../errors.ts'
import type { HandlePrototype } from '../prototypes.ts'

type WorkerClass = typeof Worker

/** That. */
export interface WorkerProbe {
  /** Of the handle behind a Worker. */
  prototype: HandlePrototype
  /** The process's own flags that a Worker may be given: the others it ignores when inherited, but refuses when passed. */
  flags: string[]
}

/** No flag of anybody's, so that Node gets as far as making a Worker's handle, and then refuses to make more. */
const UNKNOWN_FLAG = '--node-netns-probe'

/**
 * @returns undefined where the permission model lets nobody make a Worker
 * @throws `ERR_NETNS_RUNTIME` if Workers are made in another way here
 */
export function probeWorker(Worker: WorkerClass): WorkerProbe | undefined {
  let handle: object | undefined
  // A Worker keeps its handle on itself; while it is being made, it is ours to say what happens then.
  const prototype = new Proxy(Worker.prototype, {
    set(_target, key, value, worker) {
      if (typeof value?.startThread === 'function') handle = value
      return Reflect.defineProperty(worker, key, { value, configurable: true, enumerable: true, writable: true })
    }
  })
  const refused = refusal(
    Worker,
    Object.assign(function Probe() {}, { prototype })
  )
  if (refused === undefined) return undefined
  if (handle === undefined) throw runtimeLacks('a visible handle of a Worker')
  return {
    prototype: Object.getPrototypeOf(handle) as HandlePrototype,
    flags: process.execArgv.filter((flag) => !refused.has(flag))
  }
}

/** The flags that Node says a Worker refuses, unless it refuses Workers. */
function refusal(Worker: WorkerClass, probe: object): ReadonlySet<string> | undefined {
  const options = { eval: true, execArgv: [...process.execArgv, UNKNOWN_FLAG] }
  try {
    Reflect.construct(Worker, ['', options], probe as WorkerClass)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_ACCESS_DENIED') return undefined
    if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV') throw error
    return new Set(message.split(': ').at(-1)?.split(', '))
  }
  throw runtimeLacks('a refusal of unknown flags by Worker')
}
