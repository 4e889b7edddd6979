/** What Node does synchronously: children, another program in this one's place, the list of interfaces. */
import { builtin } from '../builtin.ts'
import { notCovered } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { shownBinding } from './bindings.ts'
import type { Starts } from './late/environments.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hasName, here, inside, isBrokered } from './place.ts'
import { findPrototype } from './prototypes.ts'
import { adopt } from './storage.ts'

/** What cannot be started, and is not: whoever asks for it wants to know who is asked. */
const NOTHING = '/dev/null/node-netns'
/** What Node's own `spawnSync` has in its source, and no mock of it. */
const NODES_OWN = /normalizeSpawnArguments\(/
/** Those that wait for their child. */
const WAITING = ['spawnSync', 'execFileSync', 'execSync'] as const

/** Puts the hooks on what starts children, and on what they send: a socket or server from them belongs where they do. */
export function hookChildren(patches: Patches): void {
  const child = findPrototype('process') as Record<'spawn', AnyFunction>
  const { spawn } = child
  const spawnBrokered: Brokered = (handle, place, args) =>
    parts.brokered.spawnBrokered(spawn, handle as object, place, ...args)
  patches.replace(child, 'spawn', calling(spawn, spawnBrokered, 'spawn'))
  const module = builtin('child_process')
  patches.method(module.ChildProcess.prototype, 'emit', receivingFrom)
  const isHooked = hookWaiting(patches, module.spawnSync as AnyFunction)
  for (const name of WAITING) {
    const original = module[name] as AnyFunction
    const brokered: Brokered = (_this, place, args) => parts.brokered.waitingBrokered[name](original, place, args)
    patches.replace(module, name, unlessHooked(isHooked, original, calling(original, brokered, name)))
  }
}

function receivingFrom(emit: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    if (args[0] === 'internalMessage' && args[2]) adopt(args[2])
    return emit.apply(this, args)
  }
}

/**
 * Puts the hook on what the three call, if this Node shows it: with the permission model it shows nothing, and then the
 * three themselves are all there is.
 *
 * @returns whether they go by the hook
 */
function hookWaiting(patches: Patches, spawnSync: AnyFunction): (place: Namespace) => boolean {
  const binding = shownBinding('spawn_sync') as { spawn: AnyFunction } | undefined
  if (typeof binding?.spawn !== 'function') return () => false
  const { spawn } = binding
  const brokered: Brokered = (self, place, [options]) =>
    parts.brokered.spawnSyncBrokered(spawn, self as object, place, options as never)
  const hooked = calling(spawn, brokered, 'spawn')
  let used = false
  let isAsked = false
  patches.replace(binding, 'spawn', function (this: unknown, ...args: unknown[]) {
    const isQuestion = (args[0] as { file?: unknown } | undefined)?.file === NOTHING
    used ||= isQuestion || seenTo
    if (isQuestion) return { pid: 0, output: null, status: 0, signal: null }
    return (seenTo ? spawn : hooked).apply(this, args)
  })
  return (place) => {
    // Where the thread may go, the first child shows it. Elsewhere one is asked for, but of no mock, which would tell.
    if (!used && !isAsked && isBrokered(place) && NODES_OWN.test(Function.prototype.toString.call(spawnSync))) {
      isAsked = true
      spawnSync(NOTHING)
    }
    return used
  }
}

/** Whether a function that starts a child has gone there already, so that what it calls is right as it is. */
let seenTo = false

/** As it is, or as `otherwise` where what it calls could not be hooked, or is not known to go by the hook yet. */
function unlessHooked(
  isHooked: (place: Namespace) => boolean,
  original: AnyFunction,
  otherwise: AnyFunction
): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    if (place === undefined || isHooked(place)) return original.apply(this, args)
    const outer = seenTo
    seenTo = true
    try {
      return otherwise.apply(this, args)
    } finally {
      seenTo = outer
    }
  }
}

/** Puts the hook on what has another program go on in this one's place, which newer Nodes have. */
export function hookExecve(patches: Patches): void {
  if (!('execve' in process)) return
  patches.method(process, 'execve', (original) => calling(original, refuseExecve, 'execve'))
}

function refuseExecve(): never {
  throw notCovered('process.execve', 'this process may not go there, so that the program would be in another network')
}

/** Puts the hook on `os.networkInterfaces`. */
export function hookInterfaces(patches: Patches): void {
  patches.method(builtin('os'), 'networkInterfaces', (original) =>
    calling(original, (_this, place) => parts.brokered.listInterfaces(place))
  )
}

/** What that says of a namespace, though a mock may have taken the hook with it. */
export function interfacesOf(place: Namespace): ReturnType<typeof import('node:os').networkInterfaces> {
  return isBrokered(place)
    ? parts.brokered.listInterfaces(place)
    : inside(place, () => builtin('os').networkInterfaces())
}

type Brokered = (self: unknown, place: Namespace, args: unknown[]) => unknown

/**
 * The whole call is made with the thread inside, or in another way where the thread may not go.
 *
 * @param starts - which of the calls that start a program: it is not to hear of another place than where it is
 */
function calling(original: AnyFunction, brokered: Brokered, starts?: Starts): AnyFunction {
  return function (this: unknown, ...args: unknown[]) {
    const place = here()
    if (place === undefined) return original.apply(this, args)
    const given = starts !== undefined && hasName() ? parts.late.withoutName(starts, args) : args
    if (isBrokered(place)) return brokered(this, place, given)
    return inside(place, () => original.apply(this, given))
  }
}
