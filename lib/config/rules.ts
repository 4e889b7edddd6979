/** `ip rule`. */
import { invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { AF, familyOf, formatIp, hasHostBits, parse, parsed, sizeOf } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { FLAG, Request } from '../wire/request.ts'
import { checkFamily, checkInteger, checkLinkName, checkObject, checkU32, checkWord, wordOf } from './check.ts'
import { later, now, type Operation } from './operation.ts'
import { change, dump } from './transport.ts'
import { PROTOCOLS, TABLES } from './words.ts'

/** `RTM_…` of rules. */
export const RULE_MESSAGE = { new: 32, delete: 33, get: 34 } as const
/** `FRA_…`. */
const FRA = {
  to: 1,
  from: 2,
  iif: 3,
  goto: 4,
  priority: 6,
  mark: 10,
  suppressPrefix: 14,
  table: 15,
  mask: 16,
  oif: 17,
  vrf: 19,
  uidRange: 20,
  protocol: 21,
  ipProtocol: 22,
  sourcePorts: 23,
  destinationPorts: 24
} as const
/** `FIB_RULE_INVERT`. */
const INVERT = 2
/** `FR_ACT_…`. */
const ACTIONS = { lookup: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const

/** A rule to add or delete: which packets look up which table. */
export interface RuleSpec {
  /** Lower ones are asked first. By default one below the lowest that there is. */
  priority?: number
  /** `10.0.0.0/8`, an address alone, or `all`. */
  from?: string
  to?: string
  /** A packet's mark. */
  fwmark?: number
  /** Which bits of the mark are compared. Default: all. */
  fwmask?: number
  iif?: string
  oif?: string
  /** Users whose sockets it is for, the first and the last. */
  uidRange?: [number, number]
  /** `main`, `local`, `default` or a number. */
  table?: number | string
  /** `lookup` (default), `blackhole`, `unreachable`, `prohibit`. */
  action?: string
  /** Routes of the table with a prefix of at most this length do not count. */
  suppressPrefixLength?: number
  /** The rule is for all packets but these. */
  not?: boolean
  /** An IP protocol's number, as 6 for TCP. */
  ipProtocol?: number
  /** The first and the last. */
  sourcePorts?: [number, number]
  destinationPorts?: [number, number]
  /** By default that of the addresses, or 4. */
  family?: 4 | 6
}

/** A rule that there is. */
export interface Rule extends RuleSpec {
  priority: number
  from: string
  to: string
  family: 4 | 6
  action: string
  table: number
  protocol?: string
  /** Whose table is that of the packet's VRF. */
  vrf?: boolean
}

/** The rules of one namespace. Changes throw `EPERM` without `CAP_NET_ADMIN` there. */
export class Rules {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /** All rules, or those of one family (`RTM_GETRULE`), in the order in which they are asked. */
  list(filter: { family?: 4 | 6 } = {}): Promise<Rule[]> {
    return later(this.#list(filter))
  }

  /** As {@link list}, on this thread: for some tens of microseconds. */
  listSync(filter: { family?: 4 | 6 } = {}): Rule[] {
    return now(this.#list(filter))
  }

  *#list(filter: { family?: 4 | 6 }): Operation<Rule[]> {
    const family = checkFamily(filter.family, 'filter.family')
    const request = Request.take().begin(RULE_MESSAGE.get, FLAG.dump)
    request.u32(family === undefined ? AF.unspec : family === 4 ? AF.inet : AF.inet6)
    request.u32(0).u32(0).end()
    return yield* dump(this.#namespace, request, decodeRule, 'list rules')
  }

  /**
   * Adds a rule (`RTM_NEWRULE`).
   *
   * @example
   * ```ts
   * await red.rules.add({ fwmark: 1, table: 100 })
   * ```
   * @throws `EEXIST` if there is the same
   */
  add(rule: RuleSpec): Promise<void> {
    return later(this.#add(rule))
  }

  /** As {@link add}, on this thread: for some ten microseconds. */
  addSync(rule: RuleSpec): void {
    now(this.#add(rule))
  }

  *#add(rule: RuleSpec): Operation<void> {
    const request = Request.take()
    writeRule(request, rule, 'rule', FLAG.create | FLAG.excl | FLAG.ack, RULE_MESSAGE.new)
    yield* change(this.#namespace, request, describe('add', rule))
  }

  /**
   * Deletes the first rule that what is given fits (`RTM_DELRULE`).
   *
   * @throws `ENOENT` if none fits
   */
  delete(rule: RuleSpec): Promise<void> {
    return later(this.#delete(rule))
  }

  /** As {@link delete}, on this thread: for some ten microseconds. */
  deleteSync(rule: RuleSpec): void {
    now(this.#delete(rule))
  }

  *#delete(rule: RuleSpec): Operation<void> {
    const request = Request.take()
    writeRule(request, rule, 'rule', FLAG.ack, RULE_MESSAGE.delete)
    yield* change(this.#namespace, request, describe('delete', rule))
  }

  /**
   * Deletes all rules but the kernel's own (priorities 0, 32766 and 32767).
   *
   * @returns how many were deleted
   */
  flush(filter: { family?: 4 | 6 } = {}): Promise<number> {
    return later(this.#flush(filter))
  }

  /** As {@link flush}, on this thread: for some ten microseconds each. */
  flushSync(filter: { family?: 4 | 6 } = {}): number {
    return now(this.#flush(filter))
  }

  *#flush(filter: { family?: 4 | 6 }): Operation<number> {
    const own = (yield* this.#list(filter)).filter((rule) => rule.protocol !== 'kernel' || rule.vrf)
    for (const { priority, family } of own) yield* this.#delete({ priority, family })
    return own.length
  }
}

function describe(verb: string, rule: RuleSpec): string {
  const words = [verb, 'rule']
  for (const [name, value] of Object.entries(rule)) if (value !== undefined) words.push(name, String(value))
  return words.join(' ')
}

/** `RTM_NEWRULE` or `RTM_DELRULE`. */
export function writeRule(request: Request, spec: RuleSpec, label: string, flags: number, type: number): void {
  checkObject(spec, label)
  let size = checkFamily(spec.family, `${label}.family`) === undefined ? 0 : spec.family === 4 ? 4 : 16
  const prefixes = (['from', 'to'] as const).map((side) => {
    const text = spec[side]
    if (text === undefined || text === 'all') return undefined
    parse(text, `${label}.${side}`, 'optional')
    if (size !== 0 && parsed.size !== size) throw invalidValue(`${label}.${side}`, text, 'it is of another family')
    if (hasHostBits()) throw invalidValue(`${label}.${side}`, text, 'bits are set behind the prefix')
    size = parsed.size
    return { length: parsed.prefix, bytes: parsed.bytes.slice(0, size) }
  })
  const [from, to] = prefixes
  const action = spec.action === undefined ? ACTIONS.lookup : checkWord(spec.action, `${label}.action`, ACTIONS)
  const deleting = type === RULE_MESSAGE.delete
  const table = spec.table === undefined ? undefined : checkWord(spec.table, `${label}.table`, TABLES, 0xffff_ffff)
  if (table === undefined && !deleting && action === ACTIONS.lookup) {
    throw invalidValue(`${label}.table`, table, 'a rule needs a table to look up')
  }
  request.begin(type, flags)
  request
    .u8(familyOf(size || 4))
    .u8(to?.length ?? 0)
    .u8(from?.length ?? 0)
    .u8(0)
  request
    .u8(table !== undefined && table < 256 ? table : 0)
    .u8(0)
    .u8(0)
  request.u8(deleting && spec.action === undefined && table === undefined ? 0 : action).u32(spec.not ? INVERT : 0)
  if (to !== undefined) request.attributeRaw(FRA.to, to.bytes)
  if (from !== undefined) request.attributeRaw(FRA.from, from.bytes)
  if (table !== undefined && table >= 256) request.attributeU32(FRA.table, table)
  writeMatches(request, spec, label, deleting)
  request.end()
}

function writeMatches(request: Request, spec: RuleSpec, label: string, deleting: boolean): void {
  const number = (type: number, name: 'priority' | 'fwmark' | 'fwmask' | 'suppressPrefixLength') => {
    if (spec[name] !== undefined) request.attributeU32(type, checkU32(spec[name], `${label}.${name}`))
  }
  number(FRA.priority, 'priority')
  number(FRA.mark, 'fwmark')
  number(FRA.mask, 'fwmask')
  number(FRA.suppressPrefix, 'suppressPrefixLength')
  for (const name of ['iif', 'oif'] as const) {
    if (spec[name] !== undefined) request.attributeText(FRA[name], checkLinkName(spec[name], `${label}.${name}`))
  }
  if (spec.uidRange !== undefined) {
    const [first, last] = checkRange(spec.uidRange, `${label}.uidRange`, 0xffff_fffe)
    request.attribute(FRA.uidRange, 8).u32(first).u32(last)
  }
  if (spec.ipProtocol !== undefined) {
    request.attributeU8(FRA.ipProtocol, checkInteger(spec.ipProtocol, `${label}.ipProtocol`, 1, 255))
  }
  for (const name of ['sourcePorts', 'destinationPorts'] as const) {
    if (spec[name] === undefined) continue
    const [first, last] = checkRange(spec[name], `${label}.${name}`, 0xffff)
    request.attribute(FRA[name], 4).u16(first).u16(last)
  }
  if (!deleting) request.attributeU8(FRA.protocol, PROTOCOLS.boot)
}

function checkRange(range: [number, number], label: string, most: number): [number, number] {
  if (!Array.isArray(range) || range.length !== 2) throw invalidValue(label, range, 'it must be the first and the last')
  const first = checkInteger(range[0], `${label}[0]`, 0, most)
  return [first, checkInteger(range[1], `${label}[1]`, first, most)]
}

/** Reads a rule. */
export function decodeRule(reader: Reader, message: Message): Rule | undefined {
  if (message.type !== RULE_MESSAGE.new && message.type !== RULE_MESSAGE.delete) return undefined
  const { start } = message
  const family = reader.u8(start)
  if (family !== AF.inet && family !== AF.inet6) return undefined
  const size = sizeOf(family)
  const rule: Rule = {
    priority: 0,
    from: 'all',
    to: 'all',
    family: size === 4 ? 4 : 6,
    action: wordOf(ACTIONS, reader.u8(start + 7)),
    table: reader.u8(start + 4)
  }
  if (reader.u32(start + 8) & INVERT) rule.not = true
  for (const { type, start: at, end } of reader.attributes(start + 12, message.end)) {
    decodeAttribute(rule, reader, type, at, end, size, start)
  }
  return rule
}

function decodeAttribute(
  rule: Rule,
  reader: Reader,
  type: number,
  at: number,
  end: number,
  size: number,
  header: number
): void {
  const address = (prefix: number) => `${formatIp(reader.bytes, at, size)}/${prefix}`
  if (type === FRA.from && end - at === size) rule.from = address(reader.u8(header + 2))
  else if (type === FRA.to && end - at === size) rule.to = address(reader.u8(header + 1))
  else if (type === FRA.iif) rule.iif = reader.text(at, end)
  else if (type === FRA.oif) rule.oif = reader.text(at, end)
  else if (type === FRA.priority) rule.priority = reader.u32(at)
  else if (type === FRA.mark) rule.fwmark = reader.u32(at)
  else if (type === FRA.mask && reader.u32(at) !== 0xffff_ffff) rule.fwmask = reader.u32(at)
  else if (type === FRA.table) rule.table = reader.u32(at)
  else if (type === FRA.suppressPrefix && reader.s32(at) >= 0) rule.suppressPrefixLength = reader.u32(at)
  else if (type === FRA.uidRange) rule.uidRange = [reader.u32(at), reader.u32(at + 4)]
  else if (type === FRA.protocol) rule.protocol = wordOf(PROTOCOLS, reader.u8(at))
  else if (type === FRA.ipProtocol) rule.ipProtocol = reader.u8(at)
  else if (type === FRA.sourcePorts) rule.sourcePorts = [reader.u16(at), reader.u16(at + 2)]
  else if (type === FRA.destinationPorts) rule.destinationPorts = [reader.u16(at), reader.u16(at + 2)]
  else if (type === FRA.vrf && reader.u8(at) !== 0) rule.vrf = true
}
