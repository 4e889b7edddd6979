/** Proves that hooks hold on this runtime: a socket of each kind is opened in a context, and the kernel asked whose it is. */
import { builtin } from '../builtin.ts'
import { lacking, runtimeLacks, SHORTAGES } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import type { SocketHandle, SocketPrototypes } from './handles.ts'
import type { HandlePrototype } from './prototypes.ts'
import { proveTelling, runIn } from './storage.ts'

/** The `SOCKET` of the enumerations of handles' types. */
const SOCKET = 0

/** One of them. */
interface Trial {
  what: string
  handle: SocketHandle & HandlePrototype
  args: unknown[]
  /** What its `bind` said. */
  said: unknown
}

/** @throws `ERR_NETNS_RUNTIME` if a socket lands elsewhere, or none is opened; `EMFILE`, `ENOMEM` if none can be opened now */
export function selfTest({ tcp, udp, pipe }: SocketPrototypes, namespace: Namespace): void {
  const trials = [
    trial('TCP.bind', tcp, ['0.0.0.0', 0]),
    trial('UDP.bind', udp, ['0.0.0.0', 0, 0]),
    trial('Pipe.bind', pipe, [`\0node-netns-${process.pid}-${Math.random()}`])
  ]
  try {
    // Made before there is a context, as Node is slow to follow its first handles.
    runIn(namespace, bindAll, trials)
    for (const { what, handle, said } of trials) {
      // The permission model lets nobody open one, which then cannot be elsewhere either.
      if (isDenial(said)) continue
      if (said !== 0) refuseShortage(said)
      const proven = handle.fd >= 0 && attempt((native) => native.ownsSocket(namespace.handle, handle.fd))
      if (!proven) throw runtimeLacks(`a hook on ${what} that holds`)
    }
  } finally {
    for (const { handle } of trials) handle.close()
  }
}

function trial(what: string, prototype: HandlePrototype, args: unknown[]): Trial {
  return { what, handle: Reflect.construct(prototype['constructor'] as never, [SOCKET]), args, said: undefined }
}

function bindAll(trials: Trial[]): void {
  for (const trial of trials) trial.said = bound(trial)
  if (trials[0] !== undefined) proveTelling(trials[0].handle)
}

/** What Node says of it, returned or thrown. */
function bound({ handle, args }: Trial): unknown {
  try {
    return handle['bind']?.apply(handle, args)
  } catch (error) {
    if (isDenial(error)) return error
    throw error
  }
}

function refuseShortage(said: unknown): void {
  const [code, meaning] = builtin('util').getSystemErrorMap().get(Number(said)) ?? []
  // What says nothing of hooks.
  if (code !== undefined && SHORTAGES.includes(code)) throw lacking(code, Number(said), String(meaning))
}

function isDenial(said: unknown): boolean {
  return (said as NodeJS.ErrnoException | undefined)?.code === 'ERR_ACCESS_DENIED'
}
