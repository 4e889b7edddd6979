/** Connections that `http.Agent` keeps never cross: it files them under names that have the namespace in them. */

import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome, runIn } from './place.ts'

/** Puts the hooks on. */
export function hookAgents(patches: Patches): void {
  // The agent of https asks this one for the first part of its names.
  const agent = builtin('http').Agent.prototype as unknown as Record<string, AnyFunction>
  const places = new WeakMap<object, Namespace | undefined>()
  patches.method(agent, 'getName', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const place = hereOrHome()
      const name = original.apply(this, args)
      return place === undefined ? name : `${name}:${place.id}`
    }
  })
  patches.method(agent, 'addRequest', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      places.set(args[0] as object, hereOrHome())
      return original.apply(this, args)
    }
  })
  // A queued request may get its socket when one of another name closes, in that one's context.
  patches.method(agent, 'createSocket', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      const place = places.get(args[0] as object)
      return place === undefined ? original.apply(this, args) : runIn(place, () => original.apply(this, args))
    }
  })
}
