/**
 * What Node has once for all who listen: a signal, the parent process, the end, the standard streams, a file that is watched
 * by polling. It calls them all where the first one began to listen; each belongs where it began itself.
 */
import { builtin } from '../builtin.ts'
import { parts } from '../parts.ts'
import { acceptIn } from './handles.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { contextOf, returning, runIn } from './storage.ts'

/** What is called for another, by which Node finds it when it is to be removed. */
type StandIn = AnyFunction & { listener: AnyFunction }

/** Apart from signals. */
const OF_PROCESS = new Set(['message', 'disconnect', 'beforeExit', 'exit'])

/** On what calls a listener for it, and on a stream that has hooks: whichever copy of this library it is of. */
const STAND_IN = Symbol.for('node-netns.stand-in')
const HOOKED = Symbol.for('node-netns.listeners')

/** What puts listeners on. */
const LISTENING = ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const
const STREAMS = ['stdin', 'stdout', 'stderr'] as const

type Emitter = Record<(typeof LISTENING)[number], AnyFunction>

/** Puts the hooks on. */
export function hookListeners(patches: Patches): void {
  for (const name of LISTENING) patches.replace(process, name, hearing(process[name] as AnyFunction, isShared))
  for (const name of STREAMS) {
    const property = Object.getOwnPropertyDescriptor(process, name)
    const get = property?.get
    if (property !== undefined && get !== undefined) hookStream(patches, name, property, get)
  }
  const fs = builtin('fs')
  patches.replace(fs, 'watchFile', watching(fs.watchFile as AnyFunction))
}

/** Has whoever listens to an emitter of the process's be called where he began to. */
export function hookEmitter(patches: Patches, emitter: Emitter): void {
  // A standard stream may be first looked at when the program has replaced what iterators do.
  LISTENING.forEach((name) => {
    patches.replace(emitter, name, hearing(emitter[name], always))
  })
}

/**
 * Hooks a standard stream when somebody first asks for it, which Node makes then, for all. Afterwards it is Node's own
 * again, as Node asks for one with every socket that ends.
 */
function hookStream(
  patches: Patches,
  name: (typeof STREAMS)[number],
  own: PropertyDescriptor,
  get: () => unknown
): void {
  const first = () => {
    const stream = contextOf() === undefined ? get.call(process) : runIn(undefined, () => get.call(process))
    if (typeof stream === 'object' && stream !== null && Object.isExtensible(stream) && !(HOOKED in stream)) {
      hookEmitter(patches, stream as Emitter)
      patches.value(stream, HOOKED, true)
    }
    // Where `process` was frozen meanwhile, this stays.
    if (Object.getOwnPropertyDescriptor(process, name)?.get === first) Reflect.defineProperty(process, name, own)
    return stream
  }
  patches.define(process, name, { ...own, get: first })
}

function always(): boolean {
  return true
}

function hearing(original: AnyFunction, isMeant: (event: unknown) => boolean): AnyFunction {
  return function (this: unknown, event: unknown, listener: unknown) {
    return original.call(this, event, isMeant(event) ? standInFor(listener, event) : listener)
  }
}

function watching(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    return original.apply(
      this,
      args.map((each) => standInFor(each))
    )
  }
}

/** Events of the process that Node emits by itself, from where the event's first listener was put on. */
function isShared(event: unknown): boolean {
  return typeof event === 'string' && (event.startsWith('SIG') || OF_PROCESS.has(event))
}

/** What calls a listener in the current context; whatever is none is left as it is. */
function standInFor(listener: unknown, event?: unknown): unknown {
  if (typeof listener !== 'function' || STAND_IN in listener) return listener
  const { listener: inner } = listener as Partial<StandIn>
  if (inner !== undefined && STAND_IN in inner) {
    // What Node made of one of ours for `once`, which is removed by the program's own.
    return standingIn(listener, (inner as unknown as StandIn).listener)
  }
  const call = event === 'message' ? takingOver(listener as AnyFunction) : (listener as AnyFunction)
  return standingIn(returning(call), listener as AnyFunction)
}

function standingIn(caller: object, listener: AnyFunction): object {
  Object.defineProperty(caller, STAND_IN, { value: true })
  return Object.assign(caller, { listener })
}

/** What another process sends, a socket or a server, belongs to whoever is told of it. */
function takingOver(listener: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    if (args[1]) parts.late.takeOver(args[1] as object, acceptIn)
    return listener.apply(this, args)
  }
}
