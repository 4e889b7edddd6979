/** Which network is "here": an async context has a namespace as it has a trace id. */
import { outsideContext } from '../errors.ts'
import { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import { callInside } from '../thread.ts'
import { namespaceIn, stored } from './storage.ts'

/** What I/O outside every context does: goes home, is refused, or goes to one namespace. */
export type OutsidePolicy = 'home' | 'deny' | Namespace

let outsidePolicy: OutsidePolicy = 'home'

/**
 * Where I/O that starts now belongs: the context's namespace, or what the policy says outside of all. `undefined` is
 * where the thread is anyway.
 *
 * @throws `ERR_NETNS_OUTSIDE` if the policy denies
 */
export function here(): Namespace | undefined {
  const place = placeOrRefusal()
  if (place === null) throw outsideContext()
  return place
}

/** As {@link here}; `null` where it throws. */
export function placeOrRefusal(): Namespace | undefined | null {
  const found = stored()
  return found === undefined ? placeOutside() : namespaceIn(found)
}

/** As {@link placeOrRefusal}, outside of every context. */
export function placeOutside(): Namespace | undefined | null {
  return outsidePolicy === 'deny' ? null : outsideOrHome()
}

/** As {@link here}, unless that is the network where the process is by itself, in which all of Node is right as it is. */
export function elsewhere(): Namespace | undefined {
  const place = here()
  return place === undefined || place.isHome ? undefined : place
}

/** As {@link here}, without a refusal: for what makes no I/O by itself. */
export function hereOrHome(): Namespace | undefined {
  return placeOrRefusal() ?? undefined
}

/** Where I/O outside of every context goes, without a refusal. */
export function outsideOrHome(): Namespace | undefined {
  return outsidePolicy instanceof Namespace ? outsidePolicy : undefined
}

/** Sets what {@link here} says outside of every context. */
export function setOutside(policy: OutsidePolicy): void {
  outsidePolicy = policy
}

const brokered = new WeakMap<Namespace, boolean>()

/**
 * Whether this process may not go there, and another does for it what has to be done inside: what it makes is passed on
 * as descriptors.
 */
export function isBrokered(namespace: Namespace): boolean {
  let known = brokered.get(namespace)
  if (known === undefined) {
    known = attempt((native) => native.isBrokered(namespace.handle))
    brokered.set(namespace, known)
  }
  return known
}

/** Whether the thread was not let in, as by a process that has given up its privileges. */
export function isRefusedEntry(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  return code === 'EPERM' && syscall === 'setns'
}

/** As {@link isBrokered}, asked again, as what was known is not so any more. */
export function isBrokeredNow(namespace: Namespace): boolean {
  brokered.delete(namespace)
  return isBrokered(namespace)
}

/**
 * Calls `fn` with the thread inside, synchronously. What `fn` throws passes untouched.
 *
 * @param otherwise - called in its place if the thread is not let in
 */
export function inside<R>(namespace: Namespace, fn: () => R, otherwise?: () => R): R {
  try {
    return callInside(namespace.slot, fn, [])
  } catch (error) {
    if (!isRefusedEntry(error)) throw error
    // Whoever comes next asks again.
    brokered.delete(namespace)
    if (otherwise === undefined) throw error
    return otherwise()
  }
}

/** What the environment said as this was loaded, as a program may have changed it since. */
const startedWith = process.env['NETNS']

/** Whether there is a `NETNS` that whatever this process starts would inherit. */
export function hasName(): boolean {
  return Boolean(process.env['NETNS'] || startedWith)
}

/**
 * Whether a Worker there would be elsewhere if nobody told it of its place. At home, Node's pool, which looks names up, is
 * in the right network too; but not by what `NETNS` says.
 */
export function isUnlikeNode(place: Namespace): boolean {
  return !place.isHome || hasName()
}

/**
 * Whether a child's `NETNS` is only what this process has itself: where the child was started says more than that. With
 * any other, somebody means it.
 */
export function isInherited(value: unknown): boolean {
  return Boolean(value) && (String(value) === process.env['NETNS'] || String(value) === startedWith)
}

let named = false
let told = false

/** The preload has gone by `NETNS`, as would whatever else has it. */
export function setNamed(): void {
  named = true
}

/** Whether it has. */
export function isNamed(): boolean {
  return named
}

/** This thread is a Worker that was told of its place, where it stays, and that has our preload required. */
export function setTold(): void {
  told = true
}

/** Whether it is one. */
export function isTold(): boolean {
  return told
}

/** Whether this is where such a Worker stays: what is never to leave may be started here. */
export function isStaying(place: Namespace): boolean {
  const outside = outsideOrHome()
  return told && outside !== undefined && !outside.closed && outside.id === place.id
}
