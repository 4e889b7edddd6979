/** The prototypes of libuv's handles, reached by public API: `async_hooks` shows each handle as it is made. */
import { createHook } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import { runtimeLacks } from '../errors.ts'
import type { AnyFunction } from './patches.ts'
import { probeWorker, type WorkerProbe } from './worker-probe.ts'

/** A handle's prototype. */
export type HandlePrototype = Record<string, AnyFunction>

/** The handles that hooks are put on. */
export interface Prototypes {
  tcp: HandlePrototype
  udp: HandlePrototype
  pipe: HandlePrototype
  process: HandlePrototype
  resolver: HandlePrototype
  worker: WorkerProbe
}

const NEEDED: { [kind in Exclude<keyof Prototypes, 'worker'>]: { resource: string; methods: string[] } } = {
  tcp: { resource: 'TCPWRAP', methods: ['connect', 'connect6', 'bind', 'bind6', 'listen', 'asyncReset', 'close'] },
  udp: {
    resource: 'UDPWRAP',
    methods: ['bind', 'bind6', 'connect', 'connect6', 'send', 'send6', 'recvStart', 'addMembership', 'close']
  },
  pipe: { resource: 'PIPEWRAP', methods: ['connect', 'bind', 'listen', 'asyncReset', 'close'] },
  process: { resource: 'PROCESSWRAP', methods: ['spawn'] },
  resolver: { resource: 'DNSCHANNEL', methods: ['queryA', 'getHostByAddr'] }
}

/**
 * Makes one of each handle, without opening anything, and takes its prototype.
 *
 * @throws `ERR_NETNS_RUNTIME` naming what this runtime does not have
 */
export function findPrototypes(): Prototypes {
  const seen = new Map<string, object>()
  const hook = createHook({
    init(_id, type, _trigger, resource) {
      if (!seen.has(type)) seen.set(type, resource)
    }
  }).enable()
  try {
    makeOneOfEach()
  } finally {
    hook.disable()
  }
  const found: Partial<Prototypes> = { worker: probeWorker() }
  for (const [kind, { resource, methods }] of Object.entries(NEEDED)) {
    const handle = seen.get(resource)
    if (handle === undefined) throw runtimeLacks(`a visible ${resource} handle`)
    const prototype = Object.getPrototypeOf(handle) as HandlePrototype
    for (const method of methods) {
      if (typeof prototype[method] !== 'function') throw runtimeLacks(`${resource}.${method}`)
    }
    found[kind as keyof typeof NEEDED] = prototype
  }
  return found as Prototypes
}

function makeOneOfEach(): void {
  const net = builtin('net')
  // Destroyed before the tick in which they would connect; the second one's path cannot exist.
  for (const options of [{ host: '127.0.0.1', port: 1 }, { path: '/dev/null/none' }]) {
    const socket = net.connect(options)
    socket.on('error', () => {})
    socket.destroy()
  }
  builtin('dgram').createSocket('udp4').close()
  const childProcess = builtin('child_process') as unknown as { ChildProcess: new () => unknown }
  new childProcess.ChildProcess()
  ;new (builtin('dns').Resolver)()
}
