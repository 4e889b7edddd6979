/** Later calls on what was made in a namespace: those that open a socket or start something, wherever they come from. */
import type { AnyFunction } from '../context/patches.ts'
import { isRoot } from '../realm.ts'

/** Those of sockets, servers and agents. The scenario of what opens looks for more of them in whatever Node it runs on. */
const OPENING = [
  'connect',
  'connectSync',
  'listen',
  '_listen2',
  'bind',
  'bindSync',
  'send',
  // Also what leaves a group binds a socket that is not bound yet.
  'addMembership',
  'dropMembership',
  'addSourceSpecificMembership',
  'dropSourceSpecificMembership',
  'setMulticastInterface',
  'addRequest',
  'createConnection',
  'createSocket'
]

/** A child that was started starts nothing any more: what is made to be started is made by its class. */
const ALL = [...OPENING, 'spawn']

/** Whether something with this prototype has yet to open what it is for: a socket, a server, an agent; no buffer or promise. */
export function isConnector(prototype: object): boolean {
  return typeof Reflect.get(prototype, 'then') !== 'function' && OPENING.some((name) => isMethod(prototype, name))
}

/** What has `base` for its prototype, and whose later calls are made by `enter`. */
export function withLater(base: object, enter: (fn: () => unknown) => unknown, own: PropertyDescriptorMap): object {
  const made = Object.create(base, own) as object
  for (const name of laterOf(base)) {
    const value = function (this: unknown, ...args: unknown[]) {
      // It may be replaced, as by what traces programs.
      return enter(() => (Reflect.get(base, name) as AnyFunction).apply(this, args))
    }
    like(value, Reflect.get(base, name) as AnyFunction)
    Object.defineProperty(made, name, { value, configurable: true, writable: true })
  }
  return made
}

/** Gives a function the name and the length of what it stands for. */
export function like(fn: AnyFunction, original: AnyFunction): void {
  Object.defineProperty(fn, 'name', { value: original.name, configurable: true })
  Object.defineProperty(fn, 'length', { value: original.length, configurable: true })
}

function laterOf(prototype: object): string[] {
  if (isMethod(prototype, 'resolve4')) return methodsOf(prototype)
  return ALL.filter((name) => isMethod(prototype, name))
}

/** Every method of a resolver asks the network. */
function methodsOf(prototype: object): string[] {
  const names = new Set<string>()
  for (let at: object | null = prototype; at !== null && !isRoot(at); at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      if (name !== 'constructor' && isMethod(prototype, name)) names.add(name)
    }
  }
  return [...names]
}

function isMethod(prototype: object, name: string): boolean {
  return typeof Reflect.get(prototype, name) === 'function'
}
