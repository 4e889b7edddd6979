/** Look-ups with promises, in a context: Node may have taken what is beneath them before there were hooks on it. */
import type { LookupAddress } from 'node:dns'
import { type LookupError, lookupError } from '../../dns/errors.ts'
import { isName } from '../../dns/lookup.ts'
import { node } from '../../dns/node.ts'
import type { AnyFunction } from '../patches.ts'

/** `dns.promises.lookup`, of which `original` is Node's. */
export function lookup(original: AnyFunction, self: unknown, args: unknown[]): unknown {
  const [name, options] = args
  if (!isName(name)) return original.apply(self, args)
  // Node checks the options by itself, for an address that it has nothing to look up for.
  original.call(self, '127.0.0.1', options)
  return new Promise((resolve, reject) => {
    node().lookup(name, options as object, (error, found: string | LookupAddress[], family) => {
      if (error !== null) reject(error)
      else resolve(typeof found === 'string' ? { address: found, family } : found)
    })
  })
}

/** `dns.promises.lookupService`, of which `original` is Node's. */
export function lookupService(original: AnyFunction, self: unknown, args: unknown[]): unknown {
  if (args.length !== 2) return original.apply(self, args)
  const [address, port] = args as [string, number]
  const { promise, resolve, reject } = pending<{ hostname: string; service: string }>()
  try {
    node().lookupService(address, port, (error, hostname, service) => {
      if (error === null) resolve({ hostname, service })
      // Node's promises leave the name out of this one error.
      else reject(lookupError(error.errno ?? (error as LookupError).code, 'getnameinfo', undefined))
    })
  } catch (error) {
    // Wrong arguments are thrown; what the look-up itself says is not.
    if ((error as LookupError).syscall !== 'getnameinfo') throw error
    reject(error)
  }
  return promise
}

function pending<T>() {
  const made = {} as { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void }
  made.promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }))
  return made
}
