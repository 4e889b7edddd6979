/**
 * A cluster worker that listens in another network than its own listens by itself. In its own it asks the primary, which
 * listens where it forked the worker; workers of different namespaces share nothing.
 */
import type { Worker } from 'node:cluster'
import { builtin } from '../../builtin.ts'
import type { AnyFunction, Patches } from '../patches.ts'
import { elsewhere, here } from '../place.ts'

/**
 * Puts the hooks on.
 *
 * @param hookEmitter - has whoever listens to an emitter be called where he began to. Imported here, the build would load
 * its file apart
 */
export function hookClusters(patches: Patches, hookEmitter: (patches: Patches, emitter: never) => void): void {
  const cluster = builtin('cluster')
  if (cluster.isPrimary) patches.method(cluster, 'fork', apart)
  if (!cluster.isWorker) return
  if (cluster.worker !== undefined) hookEmitter(patches, cluster.worker as never)
  patches.method(builtin('net').Server.prototype, 'listen', (original) => exclusively(original, listenOptions))
  patches.method(builtin('dgram').Socket.prototype, 'bind', (original) => exclusively(original, bindOptions))
}

/** The primary files its servers by what a worker asks for: the namespace becomes a part of it. */
function apart(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const worker = original.apply(this, args) as Worker
    const place = here()
    if (place !== undefined) {
      worker.process.prependListener('internalMessage', (message: { act?: string; fd?: unknown }) => {
        // No number, so it is no descriptor; all that it changes is the name under which the server is filed.
        if (message.act === 'queryServer' && !isDescriptor(message.fd)) message.fd = place.id
      })
    }
    return worker
  }
}

/** Where there is none, TCP has nothing and UDP has -1. */
function isDescriptor(fd: unknown): boolean {
  return typeof fd === 'number' && fd >= 0
}

type Options = Record<string, unknown>

function exclusively(original: AnyFunction, optionsOf: (args: unknown[]) => Options | undefined): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const options = elsewhere() === undefined ? undefined : optionsOf(args)
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
