import type { ChildProcess } from 'node:child_process'
import type { Child, CommandOptions, NetNs } from 'node-netns'
import { expectTypeOf, test } from 'vitest'

declare const ns: NetNs

test('a child goes where a ChildProcess goes', () => {
  expectTypeOf<Child>().toExtend<ChildProcess>()
  expectTypeOf(ns.command('true').spawn()).toEqualTypeOf<Child>()
})

test('what a program said is bytes', () => {
  expectTypeOf(ns.command('true').output()).resolves.toExtend<{ code: number | null; stdout: Buffer; stderr: Buffer }>()
  expectTypeOf(ns.command('true').status()).resolves.toEqualTypeOf<{
    code: number | null
    signal: NodeJS.Signals | null
  }>()
})

test('options are those of Node where Node has them', () => {
  expectTypeOf<{ cwd: string; env: NodeJS.ProcessEnv; stdio: 'inherit'; uid: 0 }>().toExtend<CommandOptions>()
  expectTypeOf<'everything'>().not.toExtend<CommandOptions['stdio']>()
})
