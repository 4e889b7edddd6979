/** Addresses as they are asked for, and as the kernel tells them. */
import { invalidValue } from '../errors.ts'
import { AF, familyOf, formatIp, parse, parsed, sizeOf } from '../wire/address.ts'
import { Attributes, type Message, type Reader } from '../wire/reader.ts'
import type { LinkTarget, Request } from '../wire/request.ts'
import { checkFlag, checkU32, checkWord, type LinkRef, nameLink, wordOf } from './check.ts'
import { SCOPES } from './words.ts'

/** `RTM_…` of addresses. */
export enum ADDRESS_MESSAGE {
  new = 20,
  delete = 21,
  get = 22
}

/** `IFA_…`. */
enum IFA {
  address = 1,
  local = 2,
  label = 3,
  broadcast = 4,
  cache = 6,
  flags = 8,
  metric = 9,
  protocol = 11
}
/** `IFA_F_…`. */
const FLAGS: Readonly<Record<string, number>> = {
  secondary: 1,
  nodad: 2,
  optimistic: 4,
  dadfailed: 8,
  home: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  mngtmpaddr: 0x100,
  noprefixroute: 0x200,
  autojoin: 0x400,
  'stable-privacy': 0x800
}
/** `IFAPROT_…`. */
const ORIGINS = { unspec: 0, kernel_lo: 1, kernel_ra: 2, kernel_ll: 3 } as const
const NO_DAD = 2
/** The kernel's word for a lifetime without end. */
const FOREVER = 0xffff_ffff

/** An address to give to a link. */
export interface AddressSpec {
  /** The link. */
  dev: LinkRef
  /** With its prefix length: `10.0.0.1/24`, `fd00::1/64`. */
  address: string
  /** The other end of a point-to-point link, with or without a prefix length. */
  peer?: string | undefined
  /** Of IPv4. Default: none. */
  broadcast?: string | undefined
  /** `global` (default), `link`, `host`, `site` or a number. */
  scope?: string | number | undefined
  /** Usable at once, without the second in which IPv6 looks whether another host has it. */
  noDad?: boolean | undefined
  /** No route to its network. */
  noPrefixRoute?: boolean | undefined
  /** Seconds. Default: for ever. */
  validLifetime?: number | undefined
  /** Seconds for which new connections may use it. Default: for ever. */
  preferredLifetime?: number | undefined
  /** The metric of the route to its network. */
  metric?: number | undefined
  /** A name of the address's own, of IPv4. Default: the link's. */
  label?: string | undefined
}

/** An address that a link has. */
export interface Address extends AddressSpec {
  /** The link's name. */
  dev: string
  /** The link's index. */
  index: number
  family: 4 | 6
  /** `global`, `link`, `host`, …, or a number. */
  scope: string
  /** `permanent`, `tentative`, `dadfailed`, `secondary`, …. */
  flags: string[]
  /** Who added it, where the kernel knows. */
  protocol?: string
}

const LARGEST = new Uint8Array(16)

/** `RTM_NEWADDR` or `RTM_DELADDR`. */
export function writeAddress(
  request: Request,
  spec: Omit<AddressSpec, 'dev'>,
  link: LinkTarget,
  label: string,
  flags: number,
  type: number = ADDRESS_MESSAGE.new
): void {
  parse(spec.address, `${label}.address`, 'required')
  const { size, prefix } = parsed
  const scope = spec.scope === undefined ? 0 : checkWord(spec.scope, `${label}.scope`, SCOPES)
  let local = parsed.bytes
  let peerPrefix = prefix
  if (spec.peer !== undefined) {
    LARGEST.set(local)
    local = LARGEST
    parse(spec.peer, `${label}.peer`, 'optional')
    if (parsed.size !== size) throw invalidValue(`${label}.peer`, spec.peer, 'it is of another family than the address')
    peerPrefix = parsed.prefix
  }
  request.begin(type, flags)
  request.u32(familyOf(size) | (peerPrefix << 8) | (scope << 24)).link(link)
  if (spec.peer === undefined) request.attributeIpTwice(IFA.local, IFA.address, local, size)
  else request.attributeIp(IFA.local, local, size).attributeIp(IFA.address, parsed.bytes, size)
  if (spec.broadcast !== undefined) {
    parse(spec.broadcast, `${label}.broadcast`, 'none')
    if (parsed.size !== 4 || size !== 4) throw invalidValue(`${label}.broadcast`, spec.broadcast, 'only IPv4 has one')
    request.attributeRaw(IFA.broadcast, parsed.bytes, 4)
  }
  writeOptions(request, spec, label)
  request.end()
}

function writeOptions(request: Request, spec: Omit<AddressSpec, 'dev'>, label: string): void {
  const { noDad, noPrefixRoute, validLifetime, preferredLifetime } = spec
  const dad = noDad !== undefined && checkFlag(noDad, `${label}.noDad`) ? NO_DAD : 0
  const route = noPrefixRoute !== undefined && checkFlag(noPrefixRoute, `${label}.noPrefixRoute`) ? 0x200 : 0
  if (dad | route) request.attributeU32(IFA.flags, dad | route)
  if (spec.metric !== undefined) request.attributeU32(IFA.metric, checkU32(spec.metric, `${label}.metric`))
  if (spec.label !== undefined) request.attributeText(IFA.label, spec.label)
  if (validLifetime === undefined && preferredLifetime === undefined) return
  const valid = validLifetime === undefined ? FOREVER : checkU32(validLifetime, `${label}.validLifetime`)
  const preferred = preferredLifetime === undefined ? valid : checkU32(preferredLifetime, `${label}.preferredLifetime`)
  if (preferred > valid) {
    throw invalidValue(`${label}.preferredLifetime`, preferred, 'it cannot be longer than validLifetime')
  }
  request.attribute(IFA.cache, 16).u32(preferred).u32(valid).u32(0).u32(0)
}

/** In an error: `add address 10.0.0.1/24 dev eth0`. */
export function describeAddress(verb: string, spec: AddressSpec): string {
  return `${verb} address ${spec.address} dev ${nameLink(spec.dev)}`
}

const walk = new Attributes()
/** The words of each combination of flags: there are few, and many addresses. */
const flagWords = new Map<number, string[]>()

/** Reads an address; `names` are those of the links by their index. */
export function decodeAddress(
  reader: Reader,
  message: Message,
  names: ReadonlyMap<number, string>
): Address | undefined {
  if (message.type !== ADDRESS_MESSAGE.new && message.type !== ADDRESS_MESSAGE.delete) return undefined
  const { start } = message
  const family = reader.u8(start)
  if (family !== AF.inet && family !== AF.inet6) return undefined
  const size = sizeOf(family)
  const prefix = reader.u8(start + 1)
  const index = reader.u32(start + 4)
  let flags = reader.u8(start + 2)
  let local: string | undefined
  let peer: string | undefined
  let name: string | undefined
  const dev = names.get(index) ?? String(index)
  const rest: Partial<Address> = {}
  walk.of(reader, start + 8, message.end)
  while (walk.next()) {
    const { type, start: at, end } = walk
    if (type === IFA.local && end - at === size) local = formatIp(reader.bytes, at, size)
    else if (type === IFA.address && end - at === size) peer = formatIp(reader.bytes, at, size)
    else if (type === IFA.broadcast && end - at === 4) rest.broadcast = formatIp(reader.bytes, at, 4)
    else if (type === IFA.label) name = reader.text(at, end)
    else if (type === IFA.flags) flags = reader.u32(at)
    else if (type === IFA.metric) rest.metric = reader.u32(at)
    else if (type === IFA.protocol) rest.protocol = wordOf(ORIGINS, reader.u8(at))
    else if (type === IFA.cache) decodeLifetimes(rest, reader.u32(at), reader.u32(at + 4))
  }
  // Without a peer, both are the same, and IPv6 has only the one called "address".
  const own = local ?? peer
  if (own === undefined) return undefined
  const paired = local !== undefined && peer !== undefined && peer !== local
  if (paired) rest.peer = `${peer}/${prefix}`
  const address = `${own}/${paired ? size * 8 : prefix}`
  const version = size === 4 ? 4 : 6
  const scope = wordOf(SCOPES, reader.u8(start + 3))
  // Made once with what most have, as each property that is added later takes room of its own.
  const found: Address =
    name === undefined
      ? { dev, index, family: version, address, scope, flags: wordsOf(flags) }
      : { dev, index, family: version, address, scope, flags: wordsOf(flags), label: name === dev ? dev : name }
  return Object.assign(found, rest)
}

function wordsOf(flags: number): string[] {
  let words = flagWords.get(flags)
  if (words === undefined) {
    words = Object.keys(FLAGS).filter((word) => flags & (FLAGS[word] as number))
    flagWords.set(flags, Object.freeze(words) as string[])
  }
  return words
}

function decodeLifetimes(found: Partial<Address>, preferred: number, valid: number): void {
  if (valid !== FOREVER) found.validLifetime = valid
  if (preferred !== FOREVER) found.preferredLifetime = preferred
}
