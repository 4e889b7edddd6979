/**
 * The two functions that Node's own `dns.lookup` and `dns.lookupService` call to find a name. With hooks on them, look-ups
 * are Node's but for where the answer comes from: whoever took a reference before, and what measures them, see no
 * difference.
 */
import type { ResultOrder } from '../dns/lookup.ts'
import { node } from '../dns/node.ts'
import type { Request } from '../dns/requests.ts'
import { shownBinding } from './bindings.ts'
import { requestsOf } from './names.ts'
import { type AnyFunction, Patches } from './patches.ts'
import { elsewhere } from './place.ts'

interface NamesBinding {
  getaddrinfo: AnyFunction
  getnameinfo: AnyFunction
  DNS_ORDER_IPV4_FIRST: number
  DNS_ORDER_IPV6_FIRST: number
}

/**
 * Puts hooks on them, if this Node shows them: with the permission model it shows nothing. Look-ups with promises may have
 * taken them already.
 *
 * @returns whether Node's look-ups go by the hooks. Asked when first needed, as Node takes 5 ms for its first name.
 */
export function hookBinding(patches: Patches): () => boolean {
  const binding = shownBinding('cares_wrap') as NamesBinding | undefined
  if (typeof binding?.getaddrinfo !== 'function' || typeof binding.getnameinfo !== 'function') return () => false
  const orders: Record<number, ResultOrder> = {
    [binding.DNS_ORDER_IPV4_FIRST]: 'ipv4first',
    [binding.DNS_ORDER_IPV6_FIRST]: 'ipv6first'
  }
  const { getaddrinfo, getnameinfo } = binding
  patches.replace(binding, 'getaddrinfo', function (this: unknown, ...args: unknown[]) {
    const place = elsewhere()
    if (place === undefined) return getaddrinfo.apply(this, args)
    const [request, name, family, hints, order] = args as [Request, string, 0 | 4 | 6, number, number]
    requestsOf(place).getaddrinfo(request, name, family, hints, orders[order] ?? 'verbatim')
    return 0
  })
  patches.replace(binding, 'getnameinfo', function (this: unknown, ...args: unknown[]) {
    const place = elsewhere()
    if (place === undefined) return getnameinfo.apply(this, args)
    const [request, address, port] = args as [Request, string, number]
    requestsOf(place).getnameinfo(request, address, port)
    return 0
  })
  let used: boolean | undefined
  return () => {
    used ??= isUsed(binding)
    return used
  }
}

function isUsed(binding: NamesBinding): boolean {
  const { lookup, lookupService } = node()
  return (
    calls(binding, 'getaddrinfo', () => lookup('localhost', () => {})) &&
    calls(binding, 'getnameinfo', () => lookupService('127.0.0.1', 0, () => {}))
  )
}

/** Whether `look` calls the function. Nothing is looked up if it does, and nothing that needs a network if not. */
function calls(binding: NamesBinding, name: 'getaddrinfo' | 'getnameinfo', look: () => unknown): boolean {
  let called = false
  const probe = new Patches()
  probe.value(binding, name, () => {
    called = true
    // As if it were under way.
    return 0
  })
  try {
    look()
  } finally {
    probe.undo()
  }
  return called
}
