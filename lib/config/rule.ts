/** Rules as the kernel tells them. */
import { AF, formatIp, sizeOf } from '../wire/address.ts'
import type { Message, Reader } from '../wire/reader.ts'
import { wordOf } from './check.ts'
import type { RuleSpec } from './rule-spec.ts'
import { PROTOCOLS } from './words.ts'

/** `RTM_…` of rules. */
export const RULE_MESSAGE = { new: 32, delete: 33, get: 34 } as const

/** `FRA_…`. */
export const FRA = {
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
export const INVERT = 2

/** `FR_ACT_…`. */
export const ACTIONS = { lookup: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const

/** A rule that there is. */
export interface Rule extends RuleSpec {
  priority: number
  from: string
  to: string
  family: 4 | 6
  /** `lookup`, `blackhole`, …, or a number. */
  action: string
  /** 254 is `main`, 255 `local`, 253 `default`. */
  table: number
  /** Who added it: `kernel`, `boot`, …, or a number. */
  protocol?: string
  /** Whose table is that of the packet's VRF. */
  vrf?: boolean
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
