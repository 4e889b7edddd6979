/**
 * The prototypes of libuv's handles: from Node's bindings where it shows them, otherwise by `async_hooks`, which shows each
 * handle as it is made.
 */
import { createHook } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import { runtimeLacks } from '../errors.ts'
import { parts } from '../parts.ts'
import { shownBinding } from './bindings.ts'
import type { AnyFunction } from './patches.ts'

/** A handle's prototype. */
export type HandlePrototype = Record<string, AnyFunction>

/** The handles that hooks are put on. */
export type HandleKind = 'tcp' | 'udp' | 'pipe' | 'process' | 'resolver'

interface Sort {
  binding: string
  /** Its class in the binding. */
  type: string
  /** Its name for `async_hooks`. */
  resource: string
  methods: string[]
  /** Makes one without opening anything. */
  make(): unknown
}

const SORTS: Record<HandleKind, Sort> = {
  tcp: {
    binding: 'tcp_wrap',
    type: 'TCP',
    resource: 'TCPWRAP',
    methods: ['connect', 'connect6', 'bind', 'bind6', 'listen', 'asyncReset', 'close'],
    make: () => connectNowhere({ host: '127.0.0.1', port: 1 })
  },
  udp: {
    binding: 'udp_wrap',
    type: 'UDP',
    resource: 'UDPWRAP',
    methods: ['bind', 'bind6', 'connect', 'connect6', 'send', 'send6', 'recvStart', 'addMembership', 'close'],
    make: () => builtin('dgram').createSocket('udp4').close()
  },
  pipe: {
    binding: 'pipe_wrap',
    type: 'Pipe',
    resource: 'PIPEWRAP',
    methods: ['connect', 'bind', 'listen', 'asyncReset', 'close'],
    make: () => connectNowhere({ path: '/dev/null/none' })
  },
  process: {
    binding: 'process_wrap',
    type: 'Process',
    resource: 'PROCESSWRAP',
    methods: ['spawn'],
    make: () => new (builtin('child_process') as unknown as { ChildProcess: new () => unknown }).ChildProcess()
  },
  resolver: {
    binding: 'cares_wrap',
    type: 'ChannelWrap',
    resource: 'DNSCHANNEL',
    methods: ['queryA', 'getHostByAddr'],
    make: () => new (builtin('dns').Resolver)()
  }
}

/** @throws `ERR_NETNS_RUNTIME` naming what this runtime does not have */
export function findPrototype(kind: HandleKind): HandlePrototype {
  const { binding, type, resource, methods, make } = SORTS[kind]
  const shown = shownBinding(binding) as Record<string, { prototype?: HandlePrototype }> | undefined
  const prototype = shown?.[type]?.prototype ?? watch(resource, make)
  for (const method of methods) {
    if (typeof prototype[method] !== 'function') throw runtimeLacks(`${resource}.${method}`)
  }
  return prototype
}

/**
 * Looks for all that contexts are hooked on, and changes nothing.
 *
 * @throws `ERR_NETNS_RUNTIME` naming what this runtime does not have
 */
export function proveRuntime(): void {
  for (const kind of Object.keys(SORTS)) findPrototype(kind as HandleKind)
  parts.late.probeWorker()
}

function watch(resource: string, make: () => unknown): HandlePrototype {
  let seen: object | undefined
  const hook = createHook({
    init(_id, type, _trigger, handle) {
      if (type === resource) seen ??= handle
    }
  }).enable()
  try {
    make()
  } finally {
    hook.disable()
  }
  if (seen === undefined) throw runtimeLacks(`a visible ${resource} handle`)
  return Object.getPrototypeOf(seen)
}

/** Destroyed before the tick in which it would connect; the path, if any, cannot exist. */
function connectNowhere(options: { host: string; port: number } | { path: string }): void {
  const socket = builtin('net').connect(options)
  socket.on('error', () => {})
  socket.destroy()
}
