/** `wg`: the keys and peers of WireGuard links. */
import type { Namespace } from '../namespace.ts'
import { formatIp, formatPrefix } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, PROTOCOL, Request } from '../wire/request.ts'
import { checkLink, type LinkRef, nameLink } from './check.ts'
import { beginGeneric, GENERIC_HEADER, resolveFamily } from './generic.ts'
import { moduleRemedy } from './link-kinds.ts'
import { later } from './operation.ts'
import { change, decodeAll, dumpBytes } from './transport.ts'
import {
  WG_ALLOWED,
  WG_COMMAND,
  WG_DEVICE,
  WG_PEER,
  type WireGuardSpec,
  writeWireGuard,
  writeWireGuardLink
} from './wireguard-spec.ts'

const KEY = 32

/** A peer that there is. */
export interface WireGuardPeer {
  /** In base64. */
  publicKey: string
  /** In base64, if it has one. */
  presharedKey?: string
  /** Where it was heard of last, or was said to be: `192.0.2.1:51820`, `[2001:db8::1]:51820`. */
  endpoint?: string
  /** Seconds; 0 for none. */
  persistentKeepalive: number
  /** What is routed to it, and accepted from it. */
  allowedIps: string[]
  /** When it was last agreed on a key with it. */
  lastHandshake?: Date
  /** How much came from it. */
  rxBytes: bigint
  /** How much went to it. */
  txBytes: bigint
}

/** A WireGuard link's keys and peers. */
export interface WireGuardDevice {
  /** The link's name. */
  name: string
  /** The link's index. */
  index: number
  /** In base64, if it has one. */
  privateKey?: string
  /** In base64, if it has a private one. */
  publicKey?: string
  /** Of UDP. */
  listenPort: number
  /** The mark of the packets it sends; 0 for none. */
  fwmark: number
  peers: WireGuardPeer[]
}

/** The WireGuard links of one namespace. Every call throws `EPERM` without `CAP_NET_ADMIN` there. */
export class WireGuard {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * The keys and peers of a link (`WG_CMD_GET_DEVICE`).
   *
   * @throws `EOPNOTSUPP` if the kernel lacks WireGuard, or the link is of another kind; `ENODEV`
   */
  async get(link: LinkRef): Promise<WireGuardDevice> {
    const target = checkLink(link, 'link')
    const words = `get wireguard ${nameLink(link)}`
    const family = await this.#family(words)
    const request = beginGeneric(new Request(PROTOCOL.generic), family, FLAG.dump, WG_COMMAND.get)
    const [answer] = await later(dumpBytes(this.#namespace, writeWireGuardLink(request, target).end(), words))
    const device: WireGuardDevice = { name: '', index: 0, listenPort: 0, fwmark: 0, peers: [] }
    if (answer !== undefined) {
      const all = decodeAll(answer.reader, (reader, message) => {
        if (message.type === family) decodeWireGuard(device, reader, message)
        return undefined
      })
      await later(all)
    }
    return device
  }

  /**
   * Sets keys and peers of a link (`WG_CMD_SET_DEVICE`); what is left out stays as it is. Many peers take several
   * messages, of which the kernel may have carried out some when it refuses one.
   *
   * @example
   * ```ts
   * await red.links.add({ kind: 'wireguard', name: 'wg0', up: true, addresses: ['10.9.0.1/24'] })
   * await red.wireguard.set('wg0', {
   *   privateKey,
   *   listenPort: 51820,
   *   peers: [{ publicKey, endpoint: '192.0.2.1:51820', allowedIps: ['10.9.0.2/32'] }]
   * })
   * ```
   * @throws `EOPNOTSUPP` if the kernel lacks WireGuard, or the link is of another kind; `ENODEV`. No error shows a key.
   */
  async set(link: LinkRef, spec: WireGuardSpec): Promise<void> {
    const target = checkLink(link, 'link')
    const words = `set wireguard ${nameLink(link)}`
    // What is wrong is found before the kernel is asked for the family's number.
    await writeWireGuard(0, target, spec)
    const request = await writeWireGuard(await this.#family(words), target, spec)
    await later(change(this.#namespace, request, words))
  }

  #family(words: string): Promise<number> {
    return later(resolveFamily(this.#namespace, 'wireguard', words, moduleRemedy('wireguard')))
  }
}

/** Reads one message into what those before it told: a device with many peers comes in several. */
export function decodeWireGuard(device: WireGuardDevice, reader: Reader, { start, end }: Message): void {
  for (const { type, start: at, end: to } of reader.attributes(start + GENERIC_HEADER, end)) {
    if (type === WG_DEVICE.name) device.name = reader.text(at, to)
    else if (type === WG_DEVICE.index) device.index = reader.u32(at)
    else if (type === WG_DEVICE.privateKey) assign(device, 'privateKey', key(reader, at, to))
    else if (type === WG_DEVICE.publicKey) assign(device, 'publicKey', key(reader, at, to))
    else if (type === WG_DEVICE.listenPort) device.listenPort = reader.u16(at)
    else if (type === WG_DEVICE.fwmark) device.fwmark = reader.u32(at)
    else if (type === WG_DEVICE.peers) {
      for (const peer of reader.attributes(at, to)) decodePeer(device.peers, reader, peer.start, peer.end)
    }
  }
}

function decodePeer(peers: WireGuardPeer[], reader: Reader, start: number, end: number): void {
  const found: WireGuardPeer = { publicKey: '', persistentKeepalive: 0, allowedIps: [], rxBytes: 0n, txBytes: 0n }
  for (const { type, start: at, end: to } of reader.attributes(start, end)) {
    if (type === WG_PEER.publicKey) found.publicKey = key(reader, at, to) ?? ''
    else if (type === WG_PEER.presharedKey) assign(found, 'presharedKey', key(reader, at, to))
    else if (type === WG_PEER.endpoint) assign(found, 'endpoint', endpointOf(reader, at, to))
    else if (type === WG_PEER.keepalive) found.persistentKeepalive = reader.u16(at)
    else if (type === WG_PEER.handshake) assign(found, 'lastHandshake', timeOf(reader, at))
    else if (type === WG_PEER.rxBytes) found.rxBytes = reader.u64(at)
    else if (type === WG_PEER.txBytes) found.txBytes = reader.u64(at)
    else if (type === WG_PEER.allowedIps) {
      for (const ip of reader.attributes(at, to)) decodeAllowed(found.allowedIps, reader, ip.start, ip.end)
    }
  }
  // One whose allowed IPs did not fit goes on in the next message.
  const last = peers.at(-1)
  if (last !== undefined && last.publicKey === found.publicKey) last.allowedIps.push(...found.allowedIps)
  else peers.push(found)
}

function decodeAllowed(ips: string[], reader: Reader, start: number, end: number): void {
  let [at, size, prefix] = [0, 0, 0]
  for (const attribute of reader.attributes(start, end)) {
    if (attribute.type === WG_ALLOWED.address) [at, size] = [attribute.start, attribute.end - attribute.start]
    else if (attribute.type === WG_ALLOWED.prefix) prefix = reader.u8(attribute.start)
  }
  if (size === 4 || size === 16) ips.push(formatPrefix(reader.bytes, at, size, prefix))
}

/** All zeros stand for none. */
function key(reader: Reader, start: number, end: number): string | undefined {
  const bytes = reader.bytes.subarray(start, end)
  return bytes.length === KEY && bytes.some(Boolean) ? Buffer.from(bytes).toString('base64') : undefined
}

function endpointOf(reader: Reader, start: number, end: number): string | undefined {
  const port = reader.u16(start + 2, false)
  if (end - start === 16) return `${formatIp(reader.bytes, start + 4, 4)}:${port}`
  return end - start === 28 ? `[${formatIp(reader.bytes, start + 8, 16)}]:${port}` : undefined
}

/** `struct __kernel_timespec`; zero for never. */
function timeOf(reader: Reader, at: number): Date | undefined {
  const [seconds, nanoseconds] = [reader.u64(at), reader.u64(at + 8)]
  return seconds === 0n ? undefined : new Date(Number(seconds) * 1000 + Number(nanoseconds / 1_000_000n))
}

function assign<T, K extends keyof T>(target: T, name: K, value: T[K] | undefined): void {
  if (value !== undefined) target[name] = value
}
