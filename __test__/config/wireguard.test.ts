/** WireGuard's messages against those of `wg` 1.0.20210914, recorded where a library answered it as the kernel does. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { NetNs, type WireGuardDevice, type WireGuardSpec } from 'node-netns'
import { expect, test } from 'vitest'
import { resolveFamily } from '../../lib/config/generic.ts'
import { later, now } from '../../lib/config/operation.ts'
import { decodeWireGuard } from '../../lib/config/wireguard.ts'
import { writeWireGuard } from '../../lib/config/wireguard-spec.ts'
import { messages, Reader } from '../../lib/wire/reader.ts'
import { inside } from './wire.ts'

const recorded: Record<string, { message: string }> = JSON.parse(
  readFileSync(new URL('recorded.json', import.meta.url), 'utf8')
)
const FAMILY = 0x21
const KEY = 'yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk='
const PEER = 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='
const OTHER = 'TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0='
const SHARED = 'FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE='

const SETTINGS: Record<string, WireGuardSpec> = {
  'wg-set': {
    privateKey: KEY,
    listenPort: 51820,
    fwmark: 0x99,
    peers: [
      {
        publicKey: PEER,
        presharedKey: SHARED,
        endpoint: '192.0.2.1:51820',
        persistentKeepalive: 25,
        allowedIps: ['10.9.0.2/32', 'fd00::/64'],
        replaceAllowedIps: true
      },
      { publicKey: OTHER, remove: true }
    ]
  },
  'wg-endpoint': { peers: [{ publicKey: PEER, endpoint: '[2001:db8::1]:7' }] },
  'wg-setconf': {
    privateKey: KEY,
    listenPort: 0,
    fwmark: 0,
    replacePeers: true,
    peers: [{ publicKey: PEER, allowedIps: ['10.0.0.0/8'], replaceAllowedIps: true }]
  }
}

/** As hexadecimal digits, without the sequence number. */
function digits(bytes: Uint8Array): string {
  return Buffer.from(bytes).fill(0, 8, 12).toString('hex')
}

function read(bytes: Uint8Array): WireGuardDevice {
  const device: WireGuardDevice = { name: '', index: 0, listenPort: 0, fwmark: 0, peers: [] }
  const reader = new Reader(bytes)
  for (const message of messages(reader)) decodeWireGuard(device, reader, message)
  return device
}

test.each(Object.entries(SETTINGS))('%s is the message that wg sends', async (name, spec) => {
  const theirs = Buffer.from(recorded[name]?.message ?? '', 'hex')
  expect(digits((await writeWireGuard(FAMILY, 'wg0', spec)).written)).toBe(digits(theirs))
})

test('what wg sends is read as it was meant', () => {
  const device = read(Buffer.from(recorded['wg-set']?.message ?? '', 'hex'))
  expect(device).toMatchObject({ name: 'wg0', privateKey: KEY, listenPort: 51820, fwmark: 0x99 })
  expect(device.peers).toEqual([
    {
      publicKey: PEER,
      presharedKey: SHARED,
      endpoint: '192.0.2.1:51820',
      persistentKeepalive: 25,
      allowedIps: ['10.9.0.2/32', 'fd00::/64'],
      rxBytes: 0n,
      txBytes: 0n
    },
    { publicKey: OTHER, persistentKeepalive: 0, allowedIps: [], rxBytes: 0n, txBytes: 0n }
  ])
})

test('many peers take several messages, none too long for its lengths, and all of them arrive', async () => {
  const peers = Array.from({ length: 2000 }, (_, i) => ({
    publicKey: Buffer.alloc(32, `peer ${i} `).toString('base64'),
    allowedIps: [`10.${i >> 8}.${i & 255}.0/24`]
  }))
  const request = await writeWireGuard(FAMILY, 'wg0', { privateKey: KEY, peers })
  expect([...messages(new Reader(request.written))].length).toBeGreaterThan(5)
  const device = read(request.written)
  expect(device.peers.map(({ publicKey, allowedIps }) => ({ publicKey, allowedIps }))).toEqual(peers)
  expect(device.privateKey).toBe(KEY)
})

test('any bytes of a device are read to an end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const message = { type: FAMILY, item: 0, start: 0, end: bytes.length }
      decodeWireGuard({ name: '', index: 0, listenPort: 0, fwmark: 0, peers: [] }, new Reader(bytes), message)
    })
  )
})

const WRONG: [WireGuardSpec, string][] = [
  [{ privateKey: KEY.slice(0, -2) }, 'spec.privateKey'],
  [{ privateKey: 5 as unknown as string }, 'spec.privateKey'],
  [{ privatKey: KEY } as WireGuardSpec, 'spec.privatKey'],
  [{ peers: [{ publicKey: PEER, presharedKey: `${SHARED}=` }] }, 'spec.peers[0].presharedKey'],
  [{ peers: [{ publicKey: PEER, preshared: SHARED } as never] }, 'spec.peers[0].preshared'],
  [{ peers: [{ publicKey: PEER, endpoint: 'example.com:5' }] }, 'spec.peers[0].endpoint'],
  [{ peers: [{ publicKey: PEER, endpoint: '[192.0.2.1]:5' }] }, 'spec.peers[0].endpoint'],
  [{ peers: [{ publicKey: PEER, allowedIps: ['10.0.0.0/33'] }] }, 'spec.peers[0].allowedIps[0]'],
  [{ listenPort: 65_536 }, 'spec.listenPort']
]

test.each(WRONG)(
  'wrong setting %# is refused before the kernel is asked, without showing a key',
  async (spec, name) => {
    using ns = NetNs.createSync()
    const error = await ns.wireguard.set('wg0', spec).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE', message: expect.stringContaining(`"${name}"`) })
    for (const secret of [KEY.slice(0, 20), SHARED.slice(0, 20)]) expect(error.message).not.toContain(secret)
  }
)

test('families have the numbers that genl sees', async () => {
  using ns = NetNs.createSync()
  const told = inside(ns, 'genl', 'ctrl', 'list')
  const families = [...told.matchAll(/Name: (\S+)\s+ID: (0x[0-9a-f]+)/g)].map(([, name, id]) => [name, Number(id)])
  expect(families.length).toBeGreaterThan(1)
  for (const [name, id] of families) expect(now(resolveFamily(ns, String(name), 'ask', ''))).toBe(id)
  await expect(later(resolveFamily(ns, 'no-such-family', 'ask it', 'Load it.'))).rejects.toMatchObject({
    code: 'EOPNOTSUPP',
    errno: -95,
    message: 'EOPNOTSUPP: operation not supported, netlink: cannot ask it. Load it.'
  })
})

test('keys are set and read where the kernel has WireGuard; elsewhere its module is named', async () => {
  using ns = NetNs.createSync()
  const made = await ns.links.add({ kind: 'wireguard', name: 'wg0' }).catch((error) => error)
  if (made instanceof Error) {
    for (const call of [ns.wireguard.get('wg0'), ns.wireguard.set('wg0', { privateKey: KEY })]) {
      await expect(call).rejects.toMatchObject({
        code: 'EOPNOTSUPP',
        message: expect.stringContaining("module 'wireguard'")
      })
    }
    return
  }
  await ns.wireguard.set('wg0', { ...SETTINGS['wg-set'], listenPort: 0 })
  const device = await ns.wireguard.get(made)
  expect(device).toMatchObject({ name: 'wg0', index: made.index, privateKey: KEY, fwmark: 0x99 })
  expect(device.peers).toMatchObject([{ publicKey: PEER, presharedKey: SHARED, endpoint: '192.0.2.1:51820' }])
})
