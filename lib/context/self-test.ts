/** Proves that hooks hold on this runtime: a socket of each kind is opened in a context, and the kernel asked whose it is. */
import { runtimeLacks } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import type { SocketHandle, SocketPrototypes } from './handles.ts'
import { runIn } from './place.ts'
import type { HandlePrototype } from './prototypes.ts'

/** The `SOCKET` of the enumerations of handles' types. */
const SOCKET = 0

/** @throws `ERR_NETNS_RUNTIME` if a socket lands elsewhere, or none is opened */
export function selfTest({ tcp, udp, pipe }: SocketPrototypes, namespace: Namespace): void {
  prove('TCP.bind', tcp, namespace, ['0.0.0.0', 0])
  prove('UDP.bind', udp, namespace, ['0.0.0.0', 0, 0])
  prove('Pipe.bind', pipe, namespace, [`\0node-netns-${process.pid}-${Math.random()}`])
}

function prove(what: string, prototype: HandlePrototype, namespace: Namespace, args: unknown[]): void {
  const handle = Reflect.construct(prototype['constructor'] as never, [SOCKET]) as SocketHandle & HandlePrototype
  try {
    const bind = handle['bind']
    runIn(namespace, () => bind?.apply(handle, args))
    const proven = handle.fd >= 0 && attempt((native) => native.ownsSocket(namespace.handle, handle.fd))
    if (!proven) throw runtimeLacks(`a hook on ${what} that holds`)
  } finally {
    handle.close()
  }
}
