/** What Node does synchronously: children, another program in this one's place, the list of interfaces. */
import { builtin } from '../builtin.ts'
import { notCovered } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import type { Starts } from './late/environments.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hasName, here, inside, isBrokered } from './place.ts'
import { findPrototype } from './prototypes.ts'
import { adopt } from './storage.ts'

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
  const children = module.ChildProcess.prototype as unknown as Record<'emit', AnyFunction>
  const { emit } = children
  patches.replace(children, 'emit', function (this: unknown, ...args: unknown[]) {
    if (args[0] === 'internalMessage' && args[2]) adopt(args[2])
    return emit.apply(this, args)
  })
  for (const name of WAITING) {
    const original = module[name] as AnyFunction
    const brokered: Brokered = (_this, place, args) => parts.brokered.waitingBrokered[name](original, place, args)
    patches.replace(module, name, calling(original, brokered, name))
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
