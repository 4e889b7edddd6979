/**
 * A cluster worker that listens in another network than its own listens by itself. In its own it asks the primary, which
 * listens where it forked the worker; workers of different namespaces share nothing.
 */
import type { Worker } from 'node:cluster'
import type { EventEmitter } from 'node:events'
import { builtin, overlaid } from '../../builtin.ts'
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
  patches.method(builtin('net').Server.prototype, 'listen', (original) => exclusively(original, listenArguments))
  patches.method(builtin('dgram').Socket.prototype, 'bind', (original) => exclusively(original, bindArguments))
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

function exclusively(original: AnyFunction, argumentsOf: (args: unknown[]) => unknown[]): AnyFunction {
  return function (this: EventEmitter, ...args: unknown[]) {
    const given = elsewhere() === undefined ? args : argumentsOf(args)
    const options = given[0] as Options | undefined
    if (given === args || options?.['exclusive']) return original.apply(this, given)
    const tell = () => tellPrimary(this as Bound, options as Options)
    this.once('listening', tell)
    try {
      return original.call(this, overlaid(options as Options, { exclusive: true }), ...given.slice(1))
    } catch (error) {
      this.removeListener('listening', tell)
      throw error
    }
  }
}

/** What listens, as far as both kinds are alike. */
type Bound = EventEmitter & {
  type?: string
  address(): { address: string; port: number; family: string } | string | null
}

/** The primary emits `'listening'` for its worker, as if it had been asked: by the message that Node sends of it. */
function tellPrimary(bound: Bound, { host }: Options): void {
  const found = bound.address()
  // It may be closed already, or the primary gone.
  if (found === null || !process.connected) return
  const isPath = typeof found === 'string'
  const where = isPath
    ? { address: found, addressType: -1, port: -1 }
    : {
        // Of a TCP server that asked for none, Node tells none.
        address: bound.type === undefined && !host ? null : found.address,
        addressType: bound.type ?? (host && found.family === 'IPv6' ? 6 : 4),
        port: found.port
      }
  const fd = bound.type === undefined ? undefined : -1
  process.send?.({ cmd: 'NODE_CLUSTER', act: 'listening', ...where, fd }, undefined, undefined, () => {})
}

/** The arguments of `listen` with options in the first place; those of a handle, and of nothing, as they are. */
function listenArguments(args: unknown[]): unknown[] {
  const [first, second, third] = args
  if (typeof first === 'boolean' || typeof first === 'bigint') return args
  if (typeof first === 'object' && first !== null) return isHandle(first as Options) ? args : args.slice()
  const backlog = [second, third].find((argument) => typeof argument === 'number')
  const more = backlog === undefined ? {} : { backlog }
  const callback = callbackOf(args)
  if (typeof first === 'string' && Number.isNaN(Number(first))) return [{ path: first, ...more }, callback]
  const host = typeof second === 'string' ? { host: second } : {}
  return [{ port: first === undefined || typeof first === 'function' ? 0 : first, ...host, ...more }, callback]
}

/** As Node tells one from options; and what it refuses, for its error to show that as it is. */
function isHandle(given: Options): boolean {
  if (!('port' in given || 'path' in given)) return true
  const { BoundSocket } = builtin('net') as { BoundSocket?: new () => object }
  if (BoundSocket !== undefined && given instanceof BoundSocket) return true
  return (
    Boolean(given['_handle'] || given['handle']) || typeof given['listen'] === 'function' || isDescriptor(given['fd'])
  )
}

/** The same of `bind`, whose descriptors are other than 0. */
function bindArguments(args: unknown[]): unknown[] {
  const [first, second] = args
  if (typeof first === 'object' && first !== null) {
    const { recvStart, fd } = first as Options
    return typeof recvStart === 'function' || (isDescriptor(fd) && fd !== 0) ? args : args.slice()
  }
  const address = typeof second === 'string' ? { address: second } : {}
  return [
    { ...(typeof first === 'function' || first === undefined ? {} : { port: first }), ...address },
    callbackOf(args)
  ]
}

function callbackOf(args: unknown[]): unknown {
  const last = args.at(-1)
  return typeof last === 'function' ? last : undefined
}
