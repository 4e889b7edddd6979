/** The agent of requests that name none, where a program has set it for one namespace alone. */

import type { AnyFunction } from '../context/patches.ts'

/** Whether it is a function of a module that makes requests. */
export function isAsking(value: unknown, name: string | symbol, module: object): value is AnyFunction {
  return (name === 'get' || name === 'request') && 'globalAgent' in module && typeof value === 'function'
}

/** The arguments of a request that goes by `agent` if they name none: `(url?, options?, callback?)`, as Node takes them. */
export function withAgent(args: unknown[], agent: unknown): unknown[] {
  const at = isUrl(args[0]) ? 1 : 0
  const before = args.slice(0, at)
  const given = args[at]
  if (typeof given === 'function') return [...before, { agent }, ...args.slice(at)]
  const options = (given ?? {}) as { agent?: unknown; createConnection?: unknown }
  // `false` is an agent for once.
  const names = (options.agent ?? undefined) !== undefined || typeof options.createConnection === 'function'
  return names ? args : [...before, { ...options, agent }, ...args.slice(at + 1)]
}

/** What Node takes for one: a parsed one of the old kind is a bag of options. */
function isUrl(value: unknown): boolean {
  if (typeof value === 'string') return true
  const { href, protocol, auth, path } = (value ?? {}) as Partial<
    Record<'href' | 'protocol' | 'auth' | 'path', unknown>
  >
  return Boolean(href && protocol) && auth === undefined && path === undefined
}
