/**
 * The two functions that Node's own `dns.lookup` and `dns.lookupService` call to find a name. With hooks on them, look-ups
 * are Node's but for where the answer comes from: whoever took a reference before, and what measures them, see no
 * difference.
 */
import { capturedReference } from '../errors.ts'
import { parts } from '../parts.ts'
import { shownBinding } from './bindings.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { elsewhere } from './place.ts'

/** What has them. */
export interface NamesBinding {
  getaddrinfo: AnyFunction
  getnameinfo: AnyFunction
  GetAddrInfoReqWrap?: { prototype: object }
  GetNameInfoReqWrap?: { prototype: object }
  readonly DNS_ORDER_IPV4_FIRST: number
  readonly DNS_ORDER_IPV6_FIRST: number
}

/**
 * Puts hooks on them, if this Node shows them: with the permission model it shows nothing. Look-ups with promises may have
 * taken them already: those are asked for by ours, or refused.
 *
 * @returns whether Node's look-ups go by the hooks. Asked when first needed, as Node takes 5 ms for its first name.
 */
export function hookBinding(patches: Patches): () => boolean {
  const binding = shownBinding('cares_wrap') as NamesBinding | undefined
  if (typeof binding?.getaddrinfo !== 'function' || typeof binding.getnameinfo !== 'function') return () => false
  for (const name of ['getaddrinfo', 'getnameinfo'] as const) patches.replace(binding, name, beneath(binding, name))
  for (const wrap of ['GetAddrInfoReqWrap', 'GetNameInfoReqWrap'] as const) {
    // Other runtimes lack it, and are refused for what is looked for later.
    if (binding[wrap] !== undefined) refuseCaptured(patches, binding[wrap])
  }
  let used: boolean | undefined
  return () => {
    used ??= parts.names.isCalled(binding)
    return used
  }
}

function beneath(binding: NamesBinding, name: 'getaddrinfo' | 'getnameinfo'): AnyFunction {
  const original = binding[name]
  return function (this: unknown, ...args: unknown[]) {
    const place = elsewhere()
    return place === undefined ? original.apply(this, args) : parts.names[name](binding, place, args)
  }
}

/**
 * Look-ups with promises that are made by a function without our hook, in a context, end here: Node gives each request what
 * tells its promise, right before it asks, and what is thrown then is what the promise says.
 */
function refuseCaptured(patches: Patches, { prototype }: { prototype: object }): void {
  patches.define(prototype, 'reject', {
    configurable: true,
    get: () => undefined,
    set(this: object, value: unknown) {
      if (elsewhere() !== undefined) throw capturedReference('dns.promises', 'the look-up')
      Object.defineProperty(this, 'reject', { value, configurable: true, enumerable: true, writable: true })
    }
  })
}
