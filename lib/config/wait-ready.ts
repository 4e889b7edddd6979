/** Waiting until a network can be used, by events. */

import { clearTimeout, setTimeout } from '../clock.ts'
import type { Namespace } from '../namespace.ts'
import { validateOptions, validateSignal } from '../validate.ts'
import { parse } from '../wire/address.ts'
import { Addresses } from './addresses.ts'
import { checkInteger } from './check.ts'
import { notReady } from './errors.ts'
import { Links } from './links.ts'
import { monitor } from './monitor.ts'
import { forEach } from './pace.ts'
import { Routes } from './routes.ts'

/** What to wait for, and how long. */
export interface ReadyOptions {
  /** Milliseconds. Default 10,000. */
  timeout?: number | undefined
  /** Ends it with its reason. */
  signal?: AbortSignal | undefined
  /** An address that there must be a route to. */
  to?: string | undefined
}

/**
 * Waits until every link that is up has its carrier, no address is being checked for duplicates any more, and, if
 * wanted, there is a route.
 *
 * @throws `ERR_NETNS_NOT_READY` with what is missing, when the time is over or an address turned out to be another
 * host's; the signal's reason
 */
export async function waitReady(namespace: Namespace, options?: ReadyOptions): Promise<void> {
  const { timeout = 10_000, signal, to } = validateOptions(options)
  checkInteger(timeout, 'options.timeout', 0, 2 ** 31 - 1)
  validateSignal(signal)?.throwIfAborted()
  if (to !== undefined) parse(to, 'options.to', 'none')
  const end = new AbortController()
  const abort = () => end.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  let missing: string | undefined = 'the first look'
  const timer = setTimeout(() => end.abort(notReady(`${missing}, after ${timeout} ms`)), timeout)
  try {
    // It listens before the first look, so that nothing falls between.
    const events = monitor(namespace, { groups: ['link', 'address', 'route'], signal: end.signal })
    missing = await lack(namespace, to)
    while (missing !== undefined) {
      await events.next()
      missing = await lack(namespace, to)
    }
    await events.return?.()
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    end.abort()
  }
}

/** What is missing. */
async function lack(namespace: Namespace, to: string | undefined): Promise<string | undefined> {
  const [links, addresses] = await Promise.all([new Links(namespace).list(), new Addresses(namespace).list()])
  let missing: string | undefined
  await forEach(links, (link) => {
    if (link.up && !link.carrier) missing ??= `link ${link.name} has no carrier`
  })
  if (missing !== undefined) return missing
  await forEach(addresses, ({ flags, address, dev }) => {
    if (flags.includes('dadfailed')) throw notReady(`another host has address ${address} of ${dev}`)
    if (flags.includes('tentative')) missing ??= `address ${address} of ${dev} is being checked for duplicates`
  })
  if (missing !== undefined) return missing
  if (to === undefined) return undefined
  const reachable = await new Routes(namespace).get(to).then(
    () => true,
    (error) => {
      if (error.code === 'ENETUNREACH' || error.code === 'EHOSTUNREACH' || error.code === 'EACCES') return false
      throw error
    }
  )
  return reachable ? undefined : `there is no route to ${to}`
}
