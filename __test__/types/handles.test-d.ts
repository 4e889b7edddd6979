import { type NamedNetNs, type NameEvent, NetNs, type NetnsError, type Probe, probe } from 'node-netns'
import { expectTypeOf, test } from 'vitest'

test('handles come from where they say', () => {
  expectTypeOf(NetNs.current).returns.toEqualTypeOf<NetNs>()
  expectTypeOf(NetNs.fromPath).parameter(0).toEqualTypeOf<string | URL | Buffer>()
  expectTypeOf(NetNs.create).returns.toEqualTypeOf<Promise<NetNs>>()
  expectTypeOf(NetNs.createSync).returns.toEqualTypeOf<NetNs>()
  expectTypeOf(NetNs.listSync).returns.toEqualTypeOf<NamedNetNs[]>()
  expectTypeOf(NetNs.watch).returns.toExtend<AsyncIterable<NameEvent>>()
  expectTypeOf(probe).returns.toEqualTypeOf<Promise<Probe>>()
  expectTypeOf<NetnsError>().toExtend<Error & { code: string }>()
})

test('a handle is disposable and knows its identity', () => {
  expectTypeOf<NetNs>().toExtend<Disposable & AsyncDisposable>()
  expectTypeOf<NetNs['cookie']>().toEqualTypeOf<bigint | undefined>()
  expectTypeOf<NetNs['name']>().toEqualTypeOf<string | undefined>()
})

test('runSync passes arguments and results through', () => {
  const red = NetNs.current()
  expectTypeOf(red.runSync((a: number, b: string) => `${a}${b}`, 1, 'x')).toEqualTypeOf<string>()
  // @ts-expect-error the argument is a number
  red.runSync((a: number) => a, 'x')
  // @ts-expect-error options of another call
  NetNs.list({ name: 'red' })
  // @ts-expect-error a handle is opened, not constructed from a path
  new NetNs('/run/netns/red')
})
