/** Node's module and ours, asked the same. */
import nodeDns from 'node:dns'
import { expect } from 'vitest'
import { createDns } from '../../lib/dns/dns.ts'
import { NOWHERE } from './files.ts'

export const dns = createDns(NOWHERE)

async function outcome(act: () => Promise<unknown> | unknown): Promise<unknown> {
  try {
    return { value: await act() }
  } catch (error) {
    const { message, ...rest } = error as Error
    return { message, ...rest, isTypeError: error instanceof TypeError, isRangeError: error instanceof RangeError }
  }
}

/** What one gives, or throws, the other does too. */
export async function both(act: (from: typeof nodeDns) => Promise<unknown> | unknown): Promise<void> {
  const theirs = await outcome(() => act(nodeDns))
  expect(await outcome(() => act(dns))).toEqual(theirs)
}
