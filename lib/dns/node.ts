/** Node's own module, before anything of it was replaced: it checks arguments, and its classes are extended. */
import { builtin } from '../builtin.ts'
import { runtime } from './errors.ts'

type Dns = typeof import('node:dns')

/** What of it is used. */
type Captured = Pick<
  Dns,
  'lookup' | 'lookupService' | 'getDefaultResultOrder' | 'setDefaultResultOrder' | 'Resolver'
> & {
  promises: Pick<Dns['promises'], 'lookup' | 'lookupService'>
  PromisesResolver: Dns['promises']['Resolver']
}

let captured: Captured | undefined

/** What Node itself does with what needs no network: wrong arguments, addresses. To be called before it is replaced. */
export function node(): Captured {
  if (captured === undefined) {
    // Once it is loaded, this may be called again before it returns here.
    builtin('dns')
    captured ??= capture()
  }
  return captured
}

function capture(): Captured {
  const { lookup, lookupService, getDefaultResultOrder, setDefaultResultOrder, Resolver, promises } = builtin('dns')
  return {
    lookup,
    lookupService,
    getDefaultResultOrder,
    setDefaultResultOrder,
    promises: { lookup: promises.lookup, lookupService: promises.lookupService },
    Resolver,
    PromisesResolver: promises.Resolver
  }
}

let proved = false

/**
 * Node's `Resolver` keeps what asks the questions in `_handle` and nothing else of it: proved with one whose answers
 * are known, as on a runtime where that is not so questions would go out through sockets of the runtime's own.
 *
 * @throws NetnsError `ERR_NETNS_RUNTIME`
 */
export function proveRuntime(): void {
  if (proved) return
  const resolver = new (node().Resolver)() as unknown as { _handle: unknown; getServers(): string[] }
  if (typeof resolver._handle !== 'object') throw runtime('dns.Resolver has no _handle')
  const asked: string[] = []
  resolver._handle = {
    getServers: () => [['192.0.2.53', 5353]],
    queryA: (_: unknown, name: string) => {
      asked.push(name)
      return 0
    }
  }
  if (resolver.getServers()[0] !== '192.0.2.53:5353') throw runtime('dns.Resolver does not use its _handle')
  ;(resolver as unknown as Dns).resolve4('probe.invalid', () => undefined)
  if (asked[0] !== 'probe.invalid') throw runtime('dns.Resolver does not ask its _handle')
  proved = true
}
