/** Rules as they are asked for. */
import { invalidValue } from '../errors.ts'
import { familyOf, hasHostBits, parse, parsed } from '../wire/address.ts'
import type { Request } from '../wire/request.ts'
import { checkFamily, checkInteger, checkLinkName, checkObject, checkU32, checkWord } from './check.ts'
import { ACTIONS, FRA, INVERT, RULE_MESSAGE } from './rule.ts'
import { PROTOCOLS, TABLES } from './words.ts'

/** A rule to add or delete: which packets look up which table. */
export interface RuleSpec {
  /** Lower ones are asked first. By default one below the lowest that there is. */
  priority?: number | undefined
  /** `10.0.0.0/8`, an address alone, or `all`. */
  from?: string | undefined
  /** As `from`. */
  to?: string | undefined
  /** A packet's mark. */
  fwmark?: number | undefined
  /** Which bits of the mark are compared. Default: all. */
  fwmask?: number | undefined
  /** The link that packets came in by; `lo` for those of this host. */
  iif?: string | undefined
  /** The link that packets go out by, for sockets that are bound to it. */
  oif?: string | undefined
  /** Users whose sockets it is for, the first and the last. */
  uidRange?: [number, number] | undefined
  /** `main`, `local`, `default` or a number. */
  table?: number | string | undefined
  /** `lookup` (default), `blackhole`, `unreachable`, `prohibit`. */
  action?: string | undefined
  /** Routes of the table with a prefix of at most this length do not count. */
  suppressPrefixLength?: number | undefined
  /** The rule is for all packets but these. */
  not?: boolean | undefined
  /** An IP protocol's number, as 6 for TCP. */
  ipProtocol?: number | undefined
  /** The first and the last. */
  sourcePorts?: [number, number] | undefined
  /** The first and the last. */
  destinationPorts?: [number, number] | undefined
  /** By default that of the addresses, or 4. */
  family?: 4 | 6 | undefined
}

/** What is attempted, in words. */
export function describeRule(verb: string, rule: RuleSpec): string {
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
