import type { networkInterfaces } from 'node:os'
import type { NetNs } from 'node-netns'
import { expectTypeOf, test } from 'vitest'

declare const ns: NetNs

test('run returns what its function returns, a promise for a promise', () => {
  expectTypeOf(ns.run(() => 1)).toEqualTypeOf<number>()
  expectTypeOf(ns.run(async () => 'x')).toEqualTypeOf<Promise<string>>()
  expectTypeOf(ns.run((a: number, b: string) => `${a}${b}`, 1, 'x')).toEqualTypeOf<string>()
  expectTypeOf(ns.run(() => {})).toEqualTypeOf<void>()
  // @ts-expect-error an argument is missing
  ns.run((a: number) => a)
})

test('bind keeps parameters, optional ones, this, and what is generic', () => {
  const bound = ns.bind((a: string, b?: number) => a.length + (b ?? 0))
  expectTypeOf(bound).toEqualTypeOf<(a: string, b?: number) => number>()
  const method = ns.bind(async function (this: { n: number }, ...rest: boolean[]) {
    return this.n + rest.length
  })
  expectTypeOf(method).toEqualTypeOf<(this: { n: number }, ...rest: boolean[]) => Promise<number>>()
  const identity = ns.bind(<T>(value: T) => value)
  expectTypeOf(identity('x' as const)).toEqualTypeOf<'x'>()
})

test('runSync takes functions of Node’s as they are', () => {
  const list = {} as typeof networkInterfaces
  expectTypeOf(ns.runSync(list)).toEqualTypeOf<ReturnType<typeof networkInterfaces>>()
})

test('modules of a namespace have the types of Node’s', () => {
  expectTypeOf(ns.net).toEqualTypeOf<typeof import('node:net')>()
  expectTypeOf(ns.http.createServer().listen(80)).toExtend<import('node:http').Server>()
  expectTypeOf(ns.fetch).toEqualTypeOf<typeof fetch>()
  expectTypeOf(ns.spawn).toEqualTypeOf<typeof import('node:child_process').spawn>()
  expectTypeOf(new ns.Worker('x')).toExtend<import('node:worker_threads').Worker>()
})
