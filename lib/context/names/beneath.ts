/** What Node's own look-ups call to find a name, in a context. */
import type { ResultOrder } from '../../dns/lookup.ts'
import { node } from '../../dns/node.ts'
import type { Request } from '../../dns/requests.ts'
import type { Namespace } from '../../namespace.ts'
import type { NamesBinding } from '../names-binding.ts'
import { requestsOf } from './answers.ts'

/** `getaddrinfo` of the binding. */
export function getaddrinfo(binding: NamesBinding, place: Namespace, args: unknown[]): number {
  const [request, name, family, hints, order] = args as [Request, string, 0 | 4 | 6, number, number]
  requestsOf(place).getaddrinfo(request, name, family, hints, orderOf(binding, order))
  return 0
}

function orderOf(binding: NamesBinding, order: number): ResultOrder {
  if (order === binding.DNS_ORDER_IPV4_FIRST) return 'ipv4first'
  return order === binding.DNS_ORDER_IPV6_FIRST ? 'ipv6first' : 'verbatim'
}

/** `getnameinfo` of the binding. */
export function getnameinfo(_binding: NamesBinding, place: Namespace, args: unknown[]): number {
  const [request, address, port] = args as [Request, string, number]
  requestsOf(place).getnameinfo(request, address, port)
  return 0
}

/** Whether Node's look-ups call the two functions. Nothing is looked up by this. */
export function isCalled(binding: NamesBinding): boolean {
  const { lookup, lookupService } = node()
  return (
    calls(binding, 'getaddrinfo', () => lookup('localhost', () => {})) &&
    calls(binding, 'getnameinfo', () => lookupService('127.0.0.1', 0, () => {}))
  )
}

/** Whether `look` calls the function. Nothing is looked up if it does, and nothing that needs a network if not. */
function calls(binding: NamesBinding, name: 'getaddrinfo' | 'getnameinfo', look: () => unknown): boolean {
  const before = binding[name]
  let called = false
  binding[name] = () => {
    called = true
    // As if it were under way.
    return 0
  }
  try {
    look()
  } finally {
    binding[name] = before
  }
  return called
}
