/** A way out: a veth to a namespace that forwards and masquerades. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import { validateOptions } from '../validate.ts'
import { formatIp, parse, parsed } from '../wire/address.ts'
import { Addresses } from './addresses.ts'
import { checkLink, checkLinkName, checkNamespace, type LinkRef, nameLink } from './check.ts'
import { badNetwork } from './errors.ts'
import { Links } from './links.ts'
import { addMasquerade, checkNftables, deleteTable } from './nftables.ts'
import { forEach } from './pace.ts'
import { Routes } from './routes.ts'
import { Sysctl } from './sysctl.ts'

/** How the way out leads. */
export interface UplinkOptions {
  /** The namespace it leads to. Default: where the process started. */
  to?: Namespace | undefined
  /** The link by which packets leave that namespace. Default: that of its default route. */
  dev?: LinkRef | undefined
  /** The network between both, with room for two hosts. Default: a free /30 of 10.213.0.0/16. */
  subnet?: string | undefined
  /** How the link is called in this namespace. Default `uplink0`. */
  name?: string | undefined
  /**
   * Nameservers for `/etc/netns/NAME/resolv.conf`, if this namespace has a name and no such file. Default: those of
   * `/etc/resolv.conf` that are not this machine's own. `[]` for none.
   */
  nameservers?: readonly string[] | undefined
}

/** A way out, until it is disposed of. */
export interface Uplink extends AsyncDisposable {
  /** This namespace's address, with its prefix length. */
  address: string
  /** The other end's. */
  gateway: string
  /** The link's name in this namespace. */
  name: string
  /** The nftables table in the other namespace, and the link there. */
  table: string
  /** Takes everything away that was made for it. */
  close(): Promise<void>
}

/** 10.213.0.0/16, and how many networks of four addresses it has. */
const FIRST = ((10 << 24) | (213 << 16)) >>> 0
const POOL = 16_384

/** Networks in use by this process, beyond what the routes tell. */
const taken = new Set<string>()
/** How many uplinks need a link to forward, and what its setting was before. By namespace and link. */
const forwarding = new Map<string, { users: number; before: Promise<string> }>()
let counter = 0

type Undo = () => Promise<unknown>

/** @internal */
export async function uplink(namespace: Namespace, options?: UplinkOptions): Promise<Uplink> {
  const { to, dev, subnet, name = 'uplink0', nameservers } = validateOptions(options)
  checkLinkName(name, 'options.name')
  if (dev !== undefined) checkLink(dev, 'options.dev')
  const outer =
    to === undefined ? new Namespace(attempt((native) => native.Handle.home())) : checkNamespace(to, 'options.to')
  const undo: Undo[] = []
  if (to === undefined) undo.push(async () => outer.close())
  try {
    // What can be refused is refused before anything is changed.
    await checkNftables(outer)
    const way = dev === undefined ? await wayOut(outer) : nameLink(dev)
    const network = await reserve(outer, subnet)
    undo.push(async () => taken.delete(network.text))
    const id = `${process.pid.toString(36)}${(counter++).toString(36)}`
    const outside = `nup${id}`.slice(0, 15)
    const table = `node-netns-${id}`
    // First what can be refused for most reasons: nftables does all or nothing, and needs no link to be there.
    await addMasquerade(outer, table, network.bytes, network.bits, outside)
    undo.push(() => deleteTable(outer, table))
    await new Links(namespace).add({
      kind: 'veth',
      name,
      up: true,
      addresses: [`${network.inner}/${network.bits}`],
      peer: { name: outside, netns: outer, up: true, addresses: [`${network.outer}/${network.bits}`] }
    })
    undo.push(() => new Links(outer).delete(outside))
    for (const link of [outside, way]) undo.push(await forward(outer, link))
    await new Routes(namespace).add({ to: 'default', via: network.outer, dev: name })
    const file = namespace.name && (await writeResolv(namespace.name, nameservers))
    if (file) undo.push(file)
    let closed: Promise<void> | undefined
    const close = () => {
      closed ??= unwind(undo)
      return closed
    }
    const address = `${network.inner}/${network.bits}`
    return { address, gateway: network.outer, name, table, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await unwind(undo).catch(() => undefined)
    throw error
  }
}

/** Goes on when a step fails, and throws the first failure at the end. */
async function unwind(undo: Undo[]): Promise<void> {
  let first: { error: unknown } | undefined
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      // A link that went with its namespace needs no deleting.
      if ((error as NodeJS.ErrnoException).code !== 'ENODEV') first ??= { error }
    }
  }
  if (first !== undefined) throw first.error
}

async function wayOut(outer: Namespace): Promise<string> {
  const routes = await new Routes(outer).list({ family: 4, to: 'default' })
  const dev = routes[0]?.dev ?? routes[0]?.nexthops?.[0]?.dev
  if (dev === undefined) throw badNetwork(`${outer} has no default route itself. Give it one, or pass dev.`)
  return nameLink(dev)
}

interface Network {
  text: string
  bytes: Uint8Array
  bits: number
  inner: string
  outer: string
}

async function reserve(outer: Namespace, subnet: string | undefined): Promise<Network> {
  if (subnet !== undefined) {
    parse(subnet, 'options.subnet', 'required')
    if (parsed.size !== 4 || parsed.prefix > 30) throw badNetwork(`${subnet} has no room for two IPv4 hosts`)
    return claim(networkAt(toNumber(parsed.bytes), parsed.prefix))
  }
  const used = new Uint8Array(POOL)
  const mark = (text: string) => {
    if (text !== 'default') markUsed(used, text)
  }
  await forEach(await new Routes(outer).list({ family: 4, table: 'all' }), ({ to }) => mark(to))
  await forEach(await new Addresses(outer).list({ family: 4 }), ({ address }) => mark(address))
  // Processes that choose at the same time start at different places.
  const start = process.pid % POOL
  for (let i = 0; i < POOL; i++) {
    const place = (start + i) % POOL
    if (used[place] !== 0) continue
    const network = networkAt((FIRST | (place << 2)) >>> 0, 30)
    if (!taken.has(network.text)) return claim(network)
  }
  throw badNetwork('no network of 10.213.0.0/16 is free. Pass subnet.')
}

function claim(network: Network): Network {
  if (taken.has(network.text)) throw badNetwork(`${network.text} is in use by another uplink`)
  taken.add(network.text)
  return network
}

function networkAt(address: number, bits: number): Network {
  const base = (address & (bits === 0 ? 0 : -1 << (32 - bits))) >>> 0
  const text = (value: number) => formatIp(toBytes(value), 0, 4)
  return { text: `${text(base)}/${bits}`, bytes: toBytes(base), bits, outer: text(base + 1), inner: text(base + 2) }
}

/** Marks the networks that a prefix has addresses of: all of them, some, or none. */
function markUsed(used: Uint8Array, text: string): void {
  parse(text, 'network', 'optional')
  const { prefix } = parsed
  const base = toNumber(parsed.bytes)
  const common = Math.min(prefix, 16)
  if (common > 0 && (base ^ FIRST) >>> (32 - common) !== 0) return
  const first = prefix <= 16 ? 0 : (base & 0xffff) >>> 2
  const count = prefix <= 16 ? POOL : prefix >= 30 ? 1 : 2 ** (30 - prefix)
  const start = first - (first % count)
  used.fill(1, start, start + count)
}

function toNumber(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

function toBytes(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}

/** Lets a link forward what comes in by it, until nobody needs it any more. */
async function forward(outer: Namespace, link: string): Promise<Undo> {
  const sysctl = new Sysctl(outer)
  const setting = `net.ipv4.conf.${link.replaceAll('.', '/')}.forwarding`
  const key = `${outer.inode} ${link}`
  const use = forwarding.get(key) ?? { users: 0, before: sysctl.get(setting) }
  use.users++
  forwarding.set(key, use)
  const undo = async () => {
    if (--use.users > 0) return
    forwarding.delete(key)
    if ((await use.before) === '0') await sysctl.set(setting, 0)
  }
  try {
    if ((await use.before) === '0') await sysctl.set(setting, 1)
  } catch (error) {
    if (--use.users === 0) forwarding.delete(key)
    throw error
  }
  return undo
}

/** Only where there is none: a file that someone wrote stays theirs. */
async function writeResolv(name: string, given: readonly string[] | undefined): Promise<Undo | undefined> {
  const servers = given ?? (await nameserversOfHost())
  if (servers.length === 0) return undefined
  const directory = `/etc/netns/${name}`
  const path = `${directory}/resolv.conf`
  const made = await mkdir(directory, { recursive: true })
  try {
    await writeFile(path, servers.map((server) => `nameserver ${server}\n`).join(''), { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  return () => rm(made ?? path, { recursive: made !== undefined, force: true })
}

async function nameserversOfHost(): Promise<string[]> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].map((match) => match[1] as string)
  // A resolver on this machine's loopback is not there in another network.
  return servers.filter((server) => !server.startsWith('127.') && server !== '::1')
}
