/** Whose clock it is that questions wait by. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createDns } from '../../lib/dns/dns.ts'
import { ANSWER, resolver } from './asking.ts'
import { NOWHERE } from './files.ts'
import { nameServer } from './name-server.ts'

describe('a clock that is turned by hand', () => {
  afterEach(() => vi.useRealTimers())

  it('holds up no answer, as it holds up none of c-ares and libc', async () => {
    await using server = await nameServer(() => ANSWER)
    await using silent = await nameServer(() => undefined)
    vi.useFakeTimers()
    const made = resolver([server.address])
    expect(await made.resolve4('x.test')).toEqual(['192.0.2.1'])
    expect(await Promise.all([made.resolve4('x.test'), made.resolve4('x.test')])).toHaveLength(2)
    const none = await resolver([silent.address], { timeout: 5, tries: 1 })
      .resolve4('x.test')
      .catch((error) => error.code)
    expect(none).toBe('ETIMEOUT')
    const { lookup } = createDns(NOWHERE)
    const found = await new Promise((resolve) => lookup('localhost', 4, (_error, address) => resolve(address)))
    expect(found).toBe('127.0.0.1')
  })
})
