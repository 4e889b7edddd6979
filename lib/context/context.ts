/** Being in a namespace: the verbs. */
import { closed, invalidType, NetnsError } from '../errors.ts'
import { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import { runSync as runThreadSync } from '../thread.ts'
import { install, isAvailable, isInstalled } from './install.ts'
import { isNamed, type OutsidePolicy, setOutside } from './place.ts'
import { enterForTurn, runIn, runThreadIn } from './storage.ts'

/** Runs `fn` in a context of `namespace`; the hooks are installed the first time. */
export function run<A extends unknown[], R>(namespace: Namespace, fn: (...args: A) => R, args: A): R {
  prepare(namespace, true)
  return runIn(namespace, fn, ...args)
}

/**
 * As {@link run}, for what goes on in what was made in a context: after its handle was closed, sockets are refused as in
 * every context of it, which tells those who wait for them. Nobody is on the stack who could be told otherwise.
 */
export function runLater<R>(namespace: Namespace, fn: () => R): R {
  return namespace.closed && isInstalled() ? runIn(namespace, fn) : run(namespace, fn, [])
}

/** The rest of the running async context is in `namespace`. */
export function enter(namespace: Namespace): void {
  prepare(namespace, true)
  enterForTurn(namespace)
}

/** A function that always runs in `namespace`, with the `this` and the arguments it is called with. */
export function bind<F extends (...args: never[]) => unknown>(namespace: Namespace, fn: F): F {
  prepare(namespace)
  const bound = function (this: unknown, ...args: never[]): unknown {
    return runIn(namespace, () => fn.apply(this, args))
  }
  Object.defineProperty(bound, 'name', { value: `bound ${fn.name}` })
  Object.defineProperty(bound, 'length', { value: fn.length })
  return bound as F
}

/** Sets what happens outside of every context, in this JavaScript realm. */
export function outside(policy: OutsidePolicy): void {
  if (policy instanceof Namespace) prepare(policy)
  else if (policy === 'deny') install(undefined)
  else if (policy !== 'home') throw invalidType('policy', "one of 'home' or 'deny', or an instance of NetNs", policy)
  // Whatever is started is to hear that it is not where NETNS says, and so it needs a place.
  setOutside(policy === 'home' && isNamed() ? new Namespace(attempt((native) => native.openCurrent())) : policy)
}

/**
 * Runs `fn` with the thread inside, and in a context, so that what it defers stays in the namespace too. Where contexts
 * would not hold, the thread alone goes.
 */
export function runSync<A extends unknown[], R>(namespace: Namespace, fn: (...args: A) => R, args: A): R {
  const { slot } = namespace
  if (!isAvailable(namespace)) return runThreadSync(slot, fn, args)
  namespace.remember()
  return runThreadIn(namespace, slot, fn, args)
}

/** Installs the hooks if it can be done, and tells whether; why not, is for the first call to say. */
export function prepareEarly(namespace: Namespace): boolean {
  try {
    prepare(namespace)
    return true
  } catch (error) {
    if (!(error instanceof NetnsError)) throw error
    return false
  }
}

/** A closed handle is refused here, not at the first socket. */
function prepare(namespace: Namespace, goesOn = false): void {
  if (namespace.closed) throw closed(namespace.toString())
  install(namespace, goesOn)
  namespace.remember()
}
