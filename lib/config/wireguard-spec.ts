/** A WireGuard link's keys and peers as they are set: the messages of `WG_CMD_SET_DEVICE`. */
import { invalidType, invalidValue } from '../errors.ts'
import { AF, familyOf, parse, parsed } from '../wire/address.ts'
import { FLAG, type LinkTarget, PROTOCOL, Request } from '../wire/request.ts'
import { checkFlag, checkInteger, checkObject, checkU32 } from './check.ts'
import { invalidSecret } from './errors.ts'
import { beginGeneric } from './generic.ts'
import { Pace } from './pace.ts'

/** `WG_CMD_…`. */
export const WG_COMMAND = { get: 0, set: 1 } as const
/** `WGDEVICE_A_…`. */
export const WG_DEVICE = {
  ...{ index: 1, name: 2, privateKey: 3, publicKey: 4, flags: 5, listenPort: 6, fwmark: 7, peers: 8 }
} as const
/** `WGPEER_A_…`. */
export const WG_PEER = {
  ...{ publicKey: 1, presharedKey: 2, flags: 3, endpoint: 4, keepalive: 5, handshake: 6, rxBytes: 7, txBytes: 8 },
  ...{ allowedIps: 9, version: 10 }
} as const
/** `WGALLOWEDIP_A_…`. */
export const WG_ALLOWED = { family: 1, address: 2, prefix: 3 } as const
/** `WGDEVICE_F_…` and `WGPEER_F_…`. */
const REPLACE_PEERS = 1
const PEER_FLAG = { remove: 1, replaceAllowedIps: 2, updateOnly: 4 } as const
/** Attributes that hold others have lengths of 16 bits: what is longer goes on in the next message. */
const LONGEST = 16 * 1024

/** A peer to add, to change or to remove. */
export interface WireGuardPeerSpec {
  /** In base64, as `wg pubkey` prints it. It says which peer is meant. */
  publicKey: string
  /** Removes the peer. */
  remove?: boolean | undefined
  /** Only changes a peer that is there, and adds none. */
  updateOnly?: boolean | undefined
  /** In base64, as `wg genpsk` prints it; `null` takes it away. */
  presharedKey?: string | null | undefined
  /** Where it is: `192.0.2.1:51820`, `[2001:db8::1]:51820`. */
  endpoint?: string | undefined
  /** Seconds between packets that keep a NAT's mapping alive; 0 for none. */
  persistentKeepalive?: number | undefined
  /** What is routed to it, and accepted from it: `10.0.0.0/24`, `fd00::/64`. */
  allowedIps?: readonly string[] | undefined
  /** Takes away the allowed IPs that it had. */
  replaceAllowedIps?: boolean | undefined
}

/** What can be set on a WireGuard link. */
export interface WireGuardSpec {
  /** In base64, as `wg genkey` prints it; `null` takes it away. */
  privateKey?: string | null | undefined
  /** 0 for one of the kernel's choice. */
  listenPort?: number | undefined
  /** The mark of the packets it sends; 0 for none. */
  fwmark?: number | undefined
  /** Those that are not named stay, unless {@link replacePeers} is set. */
  peers?: readonly WireGuardPeerSpec[] | undefined
  /** Takes away the peers that it had. */
  replacePeers?: boolean | undefined
}

const OPTIONS = new Set(['privateKey', 'listenPort', 'fwmark', 'peers', 'replacePeers'])
const PEER_OPTIONS = new Set([
  ...['publicKey', 'remove', 'updateOnly', 'presharedKey', 'endpoint', 'persistentKeepalive', 'allowedIps'],
  'replaceAllowedIps'
])

/** As many messages as it takes, in the order in which the kernel has to see them. */
export async function writeWireGuard(family: number, link: LinkTarget, spec: WireGuardSpec): Promise<Request> {
  checkOptions(checkObject(spec, 'spec'), 'spec', OPTIONS)
  const { privateKey, listenPort, fwmark, peers = [], replacePeers } = spec
  const request = begin(family, link)
  if (privateKey !== undefined) request.attributeRaw(WG_DEVICE.privateKey, key(privateKey, 'spec.privateKey', true))
  if (listenPort !== undefined) {
    request.attributeU16(WG_DEVICE.listenPort, checkInteger(listenPort, 'spec.listenPort', 0, 0xffff))
  }
  if (fwmark !== undefined) request.attributeU32(WG_DEVICE.fwmark, checkU32(fwmark, 'spec.fwmark'))
  if (replacePeers !== undefined && checkFlag(replacePeers, 'spec.replacePeers')) {
    request.attributeU32(WG_DEVICE.flags, REPLACE_PEERS)
  }
  if (!Array.isArray(peers)) throw invalidType('spec.peers', 'an instance of Array', peers)
  await new Peers(request, family, link).write(peers)
  return request.end()
}

/** Writes peers, and begins another message whenever one is long enough. */
class Peers {
  readonly #request: Request
  readonly #family: number
  readonly #link: LinkTarget
  #start: number

  constructor(request: Request, family: number, link: LinkTarget) {
    this.#request = request
    this.#family = family
    this.#link = link
    this.#start = request.length
  }

  async write(peers: WireGuardPeerSpec[]): Promise<void> {
    const pace = new Pace()
    for (let next = 0; next < peers.length; ) {
      if (next > 0) this.#another()
      const nested = this.#request.open(WG_DEVICE.peers)
      while (next < peers.length && !this.#long) {
        this.#peer(peers[next] as WireGuardPeerSpec, `spec.peers[${next}]`)
        next++
        if (pace.due) await pace.giveWay()
      }
      this.#request.close(nested)
    }
    await pace.done()
  }

  get #long(): boolean {
    return this.#request.length - this.#start > LONGEST
  }

  #another(): void {
    this.#request.end()
    this.#start = this.#request.length
    begin(this.#family, this.#link, this.#request)
  }

  #peer(peer: WireGuardPeerSpec, label: string): void {
    checkOptions(checkObject(peer, label), label, PEER_OPTIONS)
    const { allowedIps = [] } = peer
    if (!Array.isArray(allowedIps)) throw invalidType(`${label}.allowedIps`, 'an instance of Array', allowedIps)
    // What holds them has a length of 16 bits.
    if (allowedIps.length > 1024) {
      throw invalidValue(
        `${label}.allowedIps`,
        allowedIps.length,
        'more than 1,024 at once: give the rest in a second call'
      )
    }
    this.#request.nest(0, () => {
      writePeer(this.#request, peer, label)
      if (allowedIps.length === 0) return
      this.#request.nest(WG_PEER.allowedIps, () => {
        for (const [i, ip] of allowedIps.entries()) writeAllowed(this.#request, ip, `${label}.allowedIps[${i}]`)
      })
    })
  }
}

function begin(family: number, link: LinkTarget, request = new Request(PROTOCOL.generic, 1024)): Request {
  beginGeneric(request, family, FLAG.ack, WG_COMMAND.set)
  return writeWireGuardLink(request, link)
}

/** Names which link is meant. */
export function writeWireGuardLink(request: Request, link: LinkTarget): Request {
  if (typeof link === 'string') return request.attributeText(WG_DEVICE.name, link)
  return request.attributeLink(WG_DEVICE.index, link)
}

function writePeer(request: Request, peer: WireGuardPeerSpec, label: string): void {
  const { presharedKey, endpoint, persistentKeepalive } = peer
  request.attributeRaw(WG_PEER.publicKey, key(peer.publicKey, `${label}.publicKey`))
  let flags = 0
  for (const name of ['remove', 'replaceAllowedIps', 'updateOnly'] as const) {
    if (peer[name] !== undefined && checkFlag(peer[name], `${label}.${name}`)) flags |= PEER_FLAG[name]
  }
  if (presharedKey !== undefined) {
    request.attributeRaw(WG_PEER.presharedKey, key(presharedKey, `${label}.presharedKey`, true))
  }
  if (endpoint !== undefined) writeEndpoint(request, endpoint, `${label}.endpoint`)
  if (persistentKeepalive !== undefined) {
    const seconds = checkInteger(persistentKeepalive, `${label}.persistentKeepalive`, 0, 0xffff)
    request.attributeU16(WG_PEER.keepalive, seconds)
  }
  if (flags !== 0) request.attributeU32(WG_PEER.flags, flags)
}

/** `struct sockaddr_in` or `struct sockaddr_in6`. */
function writeEndpoint(request: Request, endpoint: unknown, label: string): void {
  if (typeof endpoint !== 'string') throw invalidType(label, 'of type string', endpoint)
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(endpoint)
  if (match === null) throw invalidValue(label, endpoint, 'it is like 192.0.2.1:51820 or [2001:db8::1]:51820')
  const port = checkInteger(Number(match[3]), label, 1, 0xffff)
  parse(match[1] ?? match[2], label, 'none')
  const six = parsed.size === 16
  if (six !== (match[1] !== undefined))
    throw invalidValue(label, endpoint, 'IPv6 addresses, and no others, stand in [ ]')
  request.attribute(WG_PEER.endpoint, six ? 28 : 16).u16(familyOf(parsed.size))
  request.be16(port)
  if (six) request.u32(0).raw(parsed.bytes, 16).u32(0)
  else request.raw(parsed.bytes, 4).u32(0).u32(0)
}

function writeAllowed(request: Request, ip: unknown, label: string): void {
  parse(ip, label, 'optional')
  const { bytes, size, prefix } = parsed
  request.nest(0, () => {
    request.attributeU16(WG_ALLOWED.family, size === 4 ? AF.inet : AF.inet6)
    request.attributeRaw(WG_ALLOWED.address, bytes, size)
    request.attributeU8(WG_ALLOWED.prefix, prefix)
  })
}

/** The 32 bytes of a key. What is wrong with one never shows it. */
function key(text: unknown, label: string, erasable = false): Uint8Array {
  if (text === null && erasable) return new Uint8Array(32)
  if (typeof text !== 'string') throw invalidSecret(label, 'it must be a string in base64')
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== text) {
    throw invalidSecret(label, 'a key is 32 bytes in base64: 44 characters')
  }
  return bytes
}

/** A misspelt option may hold a key, so its value is not shown. */
function checkOptions(spec: object, label: string, known: ReadonlySet<string>): void {
  for (const name of Object.keys(spec)) {
    if (!known.has(name)) throw invalidSecret(`${label}.${name}`, `known are ${[...known].join(', ')}`)
  }
}
