/** What Node refuses, ours refuses in the same words. */
import nodeDns from 'node:dns'
import { describe, it } from 'vitest'
import { both } from './both.ts'

describe('wrong arguments', () => {
  const nothing = (): void => undefined
  const WRONG: Record<string, (from: never) => unknown> = {}
  const add = (name: string, act: (from: typeof nodeDns) => unknown): void => {
    WRONG[name] = act as (from: never) => unknown
  }
  const call = (target: unknown, method: string, ...args: unknown[]): unknown =>
    (target as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args)

  for (const method of ['resolve4', 'resolve', 'resolveMx', 'reverse']) {
    for (const name of [undefined, null, 1, {}, []]) {
      add(`${method}(${String(name)})`, (from) => call(from, method, name, nothing))
      add(`promises.${method}(${String(name)})`, (from) => call(from.promises, method, name))
    }
    add(`${method} without a callback`, (from) => call(from, method, 'x.test'))
  }
  for (const type of ['HINFO', 'a', '', 1, null, {}]) {
    add(`resolve of ${String(type)}`, (from) => call(from, 'resolve', 'x.test', type, nothing))
    add(`promises.resolve of ${String(type)}`, (from) => call(from.promises, 'resolve', 'x.test', type))
  }
  const lookups: unknown[][] = [
    [1, {}],
    [{}, {}],
    ['x.test', 'IPv4'],
    ['x.test', true],
    ['x.test', 5],
    ['x.test', -1],
    ['x.test', { family: 5 }],
    ['x.test', { family: '4' }],
    ['x.test', { family: 'IPv5' }],
    ['x.test', { hints: 1 << 20 }],
    ['x.test', { hints: 'x' }],
    ['x.test', { all: 'x' }],
    ['x.test', { all: 0 }],
    ['x.test', { verbatim: 'x' }],
    ['x.test', { order: 'x' }],
    ['x.test', { order: 4 }]
  ]
  for (const [index, args] of lookups.entries()) {
    add(`lookup ${index}`, (from) => call(from, 'lookup', ...args, nothing))
    add(`promises.lookup ${index}`, (from) => call(from.promises, 'lookup', ...args))
  }
  add('lookup without a callback', (from) => call(from, 'lookup', 'x.test', {}))
  add('lookup of a name alone', (from) => call(from, 'lookup', 'x.test'))
  add('lookup with a callback that is none', (from) => call(from, 'lookup', 'x.test', {}, 'x'))
  const services: unknown[][] = [
    [],
    ['127.0.0.1'],
    ['127.0.0.1', 80],
    ['x', 80, nothing],
    [1, 80, nothing],
    ['127.0.0.1', 65536, nothing],
    ['127.0.0.1', -1, nothing],
    ['127.0.0.1', 'x', nothing],
    ['127.0.0.1', null, nothing],
    ['127.0.0.1', 1.5, nothing],
    ['127.0.0.1', 80, 'x'],
    ['127.0.0.1', '80', 'x'],
    ['127.0.0.1', 80, nothing, 1]
  ]
  for (const [index, args] of services.entries()) {
    add(`lookupService ${index}`, (from) => call(from, 'lookupService', ...args))
    const promised = args.filter((arg) => typeof arg !== 'function')
    if (promised.length !== 2 || index >= 5 || promised[0] !== '127.0.0.1') {
      add(`promises.lookupService ${index}`, (from) => call(from.promises, 'lookupService', ...promised))
    }
  }
  for (const servers of [undefined, null, 'x', {}, [1], ['x'], ['1.2.3.4.5'], ['1.2.3.4:x'], ['[::1'], [null]]) {
    add(`setServers(${JSON.stringify(servers)})`, (from) => call(new from.Resolver(), 'setServers', servers))
    add(`the module's setServers(${JSON.stringify(servers)})`, (from) => call(from, 'setServers', servers))
  }
  for (const options of [
    { timeout: 'x' },
    { timeout: -2 },
    { timeout: 1.5 },
    { tries: 0 },
    { tries: 'x' },
    { tries: null }
  ]) {
    add(`new Resolver(${JSON.stringify(options)})`, (from) => new from.Resolver(options as never) && undefined)
    add(
      `new promises.Resolver(${JSON.stringify(options)})`,
      (from) => new from.promises.Resolver(options as never) && undefined
    )
  }
  for (const local of [[], [1], ['x'], ['1.2.3.4', 1], ['1.2.3.4', '1.2.3.5'], ['::1', '::1'], ['', '']]) {
    add(`setLocalAddress(${JSON.stringify(local)})`, (from) => call(new from.Resolver(), 'setLocalAddress', ...local))
  }
  for (const order of ['x', undefined, null, 4, {}]) {
    add(`setDefaultResultOrder(${String(order)})`, (from) => call(from, 'setDefaultResultOrder', order))
  }

  it.each(Object.entries(WRONG))('%s: the same error as Node', async (_, act) => {
    const before = nodeDns.getServers()
    try {
      await both((from) => act(from as never))
    } finally {
      nodeDns.setServers(before)
    }
  })
})
