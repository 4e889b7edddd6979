/** What look-ups find without a server: `/etc/hosts`, numbers; and which servers `resolv.conf` names. */
import { execFileSync } from 'node:child_process'
import nodeDns from 'node:dns'
import { describe, expect, it } from 'vitest'
import { createDns } from '../../lib/dns/dns.ts'
import { etcSource } from '../../lib/dns/source.ts'
import { Files } from './files.ts'
import { setUp } from './looking-up.ts'
import { a, nameServer } from './name-server.ts'

describe('what needs no server', () => {
  it('comes from the hosts file, whatever its case', async () => {
    await using at = await setUp(
      () => ({ rcode: 3 }),
      '',
      '127.0.0.7 Red.test red # blue\nfe80::1%lo red\nx y\n::7 six'
    )
    expect(await at.lookup('RED', { family: 4 })).toEqual({ address: '127.0.0.7', family: 4 })
    expect(await at.lookup('red.test.')).toEqual({ address: '127.0.0.7', family: 4 })
    expect(await at.lookup('six')).toEqual({ address: '::7', family: 6 })
    expect(await at.dns.promises.reverse('127.0.0.7')).toEqual(['Red.test', 'red'])
    expect(await at.dns.promises.reverse('0::7')).toEqual(['six'])
    expect(at.asked()).toEqual([])
    await expect(at.lookup('blue')).rejects.toMatchObject({ code: 'ENOTFOUND' })
  })

  it('is localhost, with or without a hosts file', async () => {
    await using at = await setUp(() => ({ answers: [a('x', '6.6.6.6')] }))
    expect(await at.lookup('localhost', { family: 4 })).toEqual({ address: '127.0.0.1', family: 4 })
    expect(await at.lookup('a.localhost', { family: 6 })).toEqual({ address: '::1', family: 6 })
    expect(await at.lookup('localhost', { all: true })).toHaveLength(2)
    at.files.write('hosts', '127.0.0.8 localhost other\n')
    expect(await at.lookup('localhost', { all: true })).toEqual([{ address: '127.0.0.8', family: 4 }])
    expect(at.asked()).toEqual([])
  })

  it.each(['127.1', '0x7f.1', '2130706433', '0177.0.0.1', '1.2.3', '256', '1.2.3.04'])(
    'is the number %s',
    async (name) => {
      await using at = await setUp(() => ({ rcode: 3 }))
      expect(await at.lookup(name)).toEqual(await nodeDns.promises.lookup(name))
      await expect(at.lookup(name, { family: 6 })).rejects.toMatchObject({ syscall: 'getaddrinfo' })
      expect(at.asked()).toEqual([])
    }
  )
})

describe('files', () => {
  it('are read again when they change', async () => {
    await using first = await nameServer(() => ({ answers: [a('x.test', '127.0.0.1')] }))
    await using second = await nameServer(() => ({ answers: [a('x.test', '127.0.0.2')] }))
    using files = new Files()
    const dns = createDns(files.source())
    expect(dns.getServers()).toEqual(['127.0.0.1'])
    for (const [{ port }, address] of [
      [first, '127.0.0.1'],
      [second, '127.0.0.2']
    ] as const) {
      files.write('resolv.conf', `nameserver [127.0.0.1]:${port}\n`)
      expect(await dns.promises.resolve4('x.test')).toEqual([address])
      expect(await dns.promises.lookup('x.test', { family: 4 })).toEqual({ address, family: 4 })
      expect(dns.getServers()).toEqual([`127.0.0.1:${port}`])
    }
  })

  it('of a named namespace are laid over those of the machine', () => {
    const source = etcSource('red')
    expect(source.resolvConf).toEqual(['/etc/netns/red/resolv.conf', '/etc/resolv.conf'])
    expect(source.hosts).toEqual(['/etc/netns/red/hosts', '/etc/hosts'])
    expect(etcSource(undefined).resolvConf).toEqual(['/etc/resolv.conf'])
    expect(etcSource('../x').resolvConf).toEqual(['/etc/resolv.conf'])
  })

  it('that are no use harm nothing: binary, huge, a fifo, a directory', async () => {
    using files = new Files()
    const dns = createDns(files.source())
    const binary = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) & 255))
    files.write('resolv.conf', binary)
    files.write('hosts', binary)
    expect(dns.getServers()).toEqual(['127.0.0.1'])
    files.write('resolv.conf', 'nameserver 127.0.0.9\n'.repeat(100) + 'nameserver 192.0.2.1\n'.repeat(500_000))
    expect(dns.getServers()).toEqual(['127.0.0.9', '192.0.2.1'])
    for (const make of ['mkfifo', 'mkdir']) {
      using odd = new Files()
      execFileSync(make, [`${odd.path}/resolv.conf`])
      expect(createDns(odd.source()).getServers()).toEqual(['127.0.0.1'])
    }
    expect(createDns({ resolvConf: ['/dev/zero', '/etc/hosts'], hosts: [] }).getServers()).toEqual(['127.0.0.1'])
  })
})
