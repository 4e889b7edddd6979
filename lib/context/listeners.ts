/**
 * What Node has once for all who listen: a signal, the parent process, the end, a file that is watched by polling. It calls them
 * all where the first one began to listen; each belongs where it began itself.
 */
import { builtin } from '../builtin.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { returning } from './storage.ts'

/** What is called for another, by which Node finds it when it is to be removed. */
type StandIn = AnyFunction & { listener: AnyFunction }

/** Apart from signals. */
const OF_PROCESS = new Set(['message', 'disconnect', 'beforeExit', 'exit'])

const standIns = new WeakSet<AnyFunction>()

/** Puts the hooks on. */
export function hookListeners(patches: Patches): void {
  for (const name of ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const) {
    patches.replace(process, name, hearing(process[name] as AnyFunction))
  }
  const fs = builtin('fs')
  patches.replace(fs, 'watchFile', watching(fs.watchFile as AnyFunction))
}

function hearing(original: AnyFunction): AnyFunction {
  return function (this: unknown, event: unknown, listener: unknown) {
    return original.call(this, event, isShared(event) ? standInFor(listener) : listener)
  }
}

function watching(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    return original.apply(this, args.map(standInFor))
  }
}

/** Events of the process that Node emits by itself, from where the event's first listener was put on. */
function isShared(event: unknown): boolean {
  return typeof event === 'string' && (event.startsWith('SIG') || OF_PROCESS.has(event))
}

/** What calls a listener in the current context; whatever is none is left as it is. */
function standInFor(listener: unknown): unknown {
  if (typeof listener !== 'function') return listener
  const { listener: inner } = listener as Partial<StandIn>
  if (inner !== undefined && standIns.has(inner)) {
    // What Node made of one of ours for `once`, which is removed by the program's own.
    Object.assign(listener, { listener: (inner as StandIn).listener })
    return listener
  }
  const standIn = Object.assign(returning(listener as AnyFunction), { listener: listener as AnyFunction })
  standIns.add(standIn)
  return standIn
}
