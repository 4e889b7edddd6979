import type {
  Borrowed,
  BulkResult,
  CreateOptions,
  Link,
  LinkChanges,
  LinkSpec,
  NetNs,
  NetworkEvent,
  Route,
  RouteSpec,
  Uplink
} from 'node-netns'
import { expectTypeOf, test } from 'vitest'

declare const ns: NetNs

test('one is added or many, and many are reported on', () => {
  expectTypeOf(ns.routes.add({ to: 'default', via: '10.0.0.1' })).toEqualTypeOf<Promise<void>>()
  expectTypeOf(ns.routes.add([{ to: 'default', dev: 1 }])).toEqualTypeOf<Promise<BulkResult>>()
  expectTypeOf(ns.routes.add((function* (): Iterable<RouteSpec> {})())).toEqualTypeOf<Promise<BulkResult>>()
  expectTypeOf(ns.routes.addSync(new Set<RouteSpec>())).toEqualTypeOf<BulkResult>()
})

test('what is listed can be added again', () => {
  expectTypeOf<Route>().toExtend<RouteSpec>()
  expectTypeOf(ns.links.get('eth0')).resolves.toEqualTypeOf<Link | undefined>()
  const link = {} as Link
  expectTypeOf(ns.addresses.list({ dev: link })).resolves.items.toExtend<{ dev: string; family: 4 | 6 }>()
})

test('kinds of links are known, and a veth has a peer', () => {
  expectTypeOf<{ kind: 'veth'; name: string; peer: { netns: NetNs } }>().toExtend<LinkSpec>()
  expectTypeOf<{ kind: 'bridge'; name: string; stp: true }>().toExtend<LinkSpec>()
  expectTypeOf<{ kind: 'bridges'; name: string }>().not.toExtend<LinkSpec>()
  expectTypeOf<{ kind: 'veth'; name: string }>().not.toExtend<LinkSpec>()
  // A topology may be a constant.
  const spec = { kind: 'dummy', name: 'd0', addresses: ['10.0.0.1/24'] } as const
  expectTypeOf(ns.links.add(spec)).resolves.toEqualTypeOf<Link>()
})

test('options that may be undefined are passed on as they are', () => {
  expectTypeOf<{ name: string | undefined; loopback: boolean | undefined }>().toExtend<CreateOptions>()
  expectTypeOf<{ up: boolean | undefined; master: null }>().toExtend<LinkChanges>()
  expectTypeOf<{ to: string; metric: number | undefined }>().toExtend<RouteSpec>()
})

test('a monitor tells of the groups it was asked for', () => {
  expectTypeOf(ns.monitor({ groups: ['link'] })).toEqualTypeOf<AsyncIterableIterator<NetworkEvent<'link'>>>()
  expectTypeOf<NetworkEvent<'link'>['value']>().toEqualTypeOf<Link>()
  expectTypeOf(ns.monitor({ groups: ['link', 'route'] })).toEqualTypeOf<
    AsyncIterableIterator<NetworkEvent<'link'> | NetworkEvent<'route'>>
  >()
  expectTypeOf(ns.monitor({})).toEqualTypeOf<AsyncIterableIterator<Exclude<NetworkEvent, { group: 'neighbour' }>>>()
  const event = {} as NetworkEvent
  if (event.group === 'rule') expectTypeOf(event.value.priority).toExtend<number | undefined>()
  // @ts-expect-error there is no such group
  ns.monitor({ groups: ['links'] })
})

test('what is lent goes back by itself', () => {
  expectTypeOf<Uplink>().toExtend<AsyncDisposable>()
  expectTypeOf<Borrowed>().toExtend<Link & AsyncDisposable>()
})
