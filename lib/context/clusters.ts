/** A cluster worker that listens in a context listens by itself: the primary would listen in its own network. */
import { builtin } from '../builtin.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { here } from './place.ts'

/** Puts the hooks on, in cluster workers only. */
export function hookClusters(patches: Patches): void {
  if (!builtin('cluster').isWorker) return
  patches.method(builtin('net').Server.prototype, 'listen', (original) => exclusively(original, listenOptions))
  patches.method(builtin('dgram').Socket.prototype, 'bind', (original) => exclusively(original, bindOptions))
}

type Options = Record<string, unknown>

function exclusively(original: AnyFunction, optionsOf: (args: unknown[]) => Options | undefined): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const options = here() === undefined ? undefined : optionsOf(args)
    if (options === undefined) return original.apply(this, args)
    const callback = args.find((argument) => typeof argument === 'function')
    return original.call(this, { ...options, exclusive: true }, callback)
  }
}

/** The options that `listen(port, host, backlog)`, `listen(path)` or `listen(options)` stand for; none for a handle. */
function listenOptions(args: unknown[]): Options | undefined {
  const [first, second, third] = args
  if (typeof first === 'object' && first !== null)
    return '_handle' in first || 'fd' in first ? undefined : (first as Options)
  const backlog = [second, third].find((argument) => typeof argument === 'number')
  const more = backlog === undefined ? {} : { backlog }
  if (typeof first === 'string' && Number.isNaN(Number(first))) return { path: first, ...more }
  const host = typeof second === 'string' ? { host: second } : {}
  return { port: first === undefined || typeof first === 'function' ? 0 : first, ...host, ...more }
}

/** The options that `bind(port, address)` or `bind(options)` stand for; none for a handle. */
function bindOptions(args: unknown[]): Options | undefined {
  const [first, second] = args
  if (typeof first === 'object' && first !== null)
    return 'fd' in first || 'recvStart' in first ? undefined : (first as Options)
  const address = typeof second === 'string' ? { address: second } : {}
  return { ...(typeof first === 'function' || first === undefined ? {} : { port: first }), ...address }
}
