/**
 * The prototypes of libuv's handles: from Node's bindings, or where it does not show them from handles as they are made.
 */
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
}

const SORTS: Record<HandleKind, Sort> = {
  tcp: {
    binding: 'tcp_wrap',
    type: 'TCP',
    resource: 'TCPWRAP',
    methods: ['connect', 'connect6', 'bind', 'bind6', 'listen', 'asyncReset', 'close']
  },
  udp: {
    binding: 'udp_wrap',
    type: 'UDP',
    resource: 'UDPWRAP',
    methods: ['bind', 'bind6', 'connect', 'connect6', 'send', 'send6', 'recvStart', 'addMembership', 'close']
  },
  pipe: {
    binding: 'pipe_wrap',
    type: 'Pipe',
    resource: 'PIPEWRAP',
    methods: ['connect', 'bind', 'listen', 'asyncReset', 'close']
  },
  process: {
    binding: 'process_wrap',
    type: 'Process',
    resource: 'PROCESSWRAP',
    methods: ['spawn']
  },
  resolver: {
    binding: 'cares_wrap',
    type: 'ChannelWrap',
    resource: 'DNSCHANNEL',
    methods: ['queryA', 'getHostByAddr']
  }
}

/** @throws `ERR_NETNS_RUNTIME` naming what this runtime does not have */
export function findPrototype(kind: HandleKind): HandlePrototype {
  const { binding, type, resource, methods } = SORTS[kind]
  const shown = shownBinding(binding) as Record<string, { prototype?: HandlePrototype }> | undefined
  const prototype = shown?.[type]?.prototype ?? parts.late.watchHandle(kind, resource)
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
  parts.late.probeWorker(builtin('worker_threads').Worker)
}
