/** The prototypes of handles, where Node hides its bindings: `async_hooks` shows each handle as it is made. */
import { createHook } from 'node:async_hooks'
import { builtin } from '../../builtin.ts'
import { runtimeLacks } from '../../errors.ts'
import type { HandleKind, HandlePrototype } from '../prototypes.ts'

/** Each makes one without opening anything. */
const makers: Record<HandleKind, () => unknown> = {
  tcp: () => connectNowhere({ host: '127.0.0.1', port: 1 }),
  udp: () => builtin('dgram').createSocket('udp4').close(),
  // The path cannot exist.
  pipe: () => connectNowhere({ path: '/dev/null/none' }),
  process: () => new (builtin('child_process') as unknown as { ChildProcess: new () => unknown }).ChildProcess(),
  resolver: () => new (builtin('dns').Resolver)()
}

/**
 * Makes a handle and takes its prototype.
 *
 * @param resource - its name for `async_hooks`
 * @throws `ERR_NETNS_RUNTIME`
 */
export function watchHandle(kind: HandleKind, resource: string): HandlePrototype {
  let seen: object | undefined
  const hook = createHook({
    init(_id, type, _trigger, handle) {
      if (type === resource) seen ??= handle
    }
  }).enable()
  try {
    makers[kind]()
  } finally {
    hook.disable()
  }
  if (seen === undefined) throw runtimeLacks(`a visible ${resource} handle`)
  return Object.getPrototypeOf(seen)
}

/** Destroyed before the tick in which it would connect. */
function connectNowhere(options: { host: string; port: number } | { path: string }): void {
  const socket = builtin('net').connect(options)
  socket.on('error', () => {})
  socket.destroy()
}
