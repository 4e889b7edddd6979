/** The two ways to make a call. */
import type { NetNs } from 'node-netns'

export type Method = 'add' | 'replace' | 'set' | 'get' | 'delete' | 'list' | 'flush'
// biome-ignore lint/suspicious/noExplicitAny: any method of any part
type Calls = Record<Method, (...args: any[]) => Promise<any>>
export type Part = 'links' | 'addresses' | 'routes' | 'neighbours' | 'rules' | 'qdisc' | 'sysctl'
export type Way = (ns: NetNs, part: Part) => Calls

/** The same call in both ways: what works on this thread is told apart by its name alone. */
export const WAYS: Record<string, Way> = {
  asynchronous: (ns, part) => ns[part] as unknown as Calls,
  synchronous: (ns, part) =>
    new Proxy(ns[part] as object, {
      get:
        (target, name) =>
        (...args: unknown[]) =>
          new Promise((resolve) => resolve(Reflect.get(target, `${String(name)}Sync`).apply(target, args)))
    }) as Calls
}
