/** Ways of queueing as they are asked for, in the kernel's structures. */
import { invalidType, invalidValue } from '../errors.ts'
import type { Request } from '../wire/request.ts'
import { checkFlag, checkInteger, type LinkRef } from './check.ts'

/** `TCA_…`. */
export const TCA = { kind: 1, options: 2 } as const
/** The kernel counts such times in units of 64 ns. */
const TICK = 64
const ETHERNET = 1

/**
 * How a link queues what it sends. Rates are in bits per second, times in milliseconds, sizes in bytes, shares in %. What
 * netem is not told to do it does not do; what fq_codel is not told is as the kernel has it.
 */
export type QdiscSpec = { dev: LinkRef } & (
  | {
      kind: 'tbf'
      rate: number
      /** What may go out at once. Default: what the rate gives in 10 ms, at least 5,000. */
      burst?: number | undefined
      /** How long a packet may wait before it is dropped. Default 50. */
      latency?: number | undefined
    }
  | {
      kind: 'htb'
      rate: number
      /** What it may borrow up to. Default: the rate. */
      ceil?: number | undefined
      /** What may go out at once. Default: as for `tbf`. */
      burst?: number | undefined
    }
  | {
      kind: 'netem'
      delay?: number | undefined
      jitter?: number | undefined
      loss?: number | undefined
      duplicate?: number | undefined
      corrupt?: number | undefined
      reorder?: number | undefined
      rate?: number | undefined
      /** Packets. Default 1,000. */
      limit?: number | undefined
    }
  | {
      kind: 'fq_codel'
      target?: number | undefined
      interval?: number | undefined
      /** Packets. */
      limit?: number | undefined
      /** How many queues there are. */
      flows?: number | undefined
      quantum?: number | undefined
      ecn?: boolean | undefined
    }
)

/** One of the kinds that there are. */
export function checkKind(kind: unknown): string {
  if (typeof kind !== 'string') throw invalidType('spec.kind', 'of type string', kind)
  const known = ['tbf', 'htb', 'netem', 'fq_codel']
  if (!known.includes(kind)) throw invalidValue('spec.kind', kind, `known are ${known.join(', ')}`)
  return kind
}

/** The attributes of a kind that is put at the root. */
export function writeOptions(request: Request, spec: QdiscSpec): void {
  switch (spec.kind) {
    case 'tbf':
      request.nest(TCA.options, () => writeTbf(request, spec), 0)
      break
    case 'htb':
      // struct tc_htb_glob: version 3, the divisor of rates for quanta, the default class.
      request.nest(TCA.options, () => request.attribute(2, 20).u32(3).u32(10).u32(1).u32(0).u32(0), 0)
      break
    case 'netem':
      writeNetem(request, spec)
      break
    default:
      request.nest(TCA.options, () => writeFqCodel(request, spec), 0)
  }
}

type Of<K> = Extract<QdiscSpec, { kind: K }>

function bytesPerSecond(rate: unknown, label: string): number {
  return Math.max(1, Math.floor(checkInteger(rate, label, 8, Number.MAX_SAFE_INTEGER) / 8))
}

function burstOf(burst: number | undefined, rate: number): number {
  if (burst !== undefined) return checkInteger(burst, 'spec.burst', 1, 2 ** 31 - 1)
  return Math.min(2 ** 31 - 1, Math.max(5000, Math.ceil(rate / 100)))
}

/** How long a number of bytes takes, in ticks. */
function ticks(bytes: number, rate: number): number {
  return Math.min(0xffff_ffff, Math.round((bytes / rate) * (1e9 / TICK)))
}

/** `struct tc_ratespec`; a rate beyond 32 bits is told by an attribute of its own. */
function writeRate(request: Request, rate: number): Request {
  return request.u8(0).u8(ETHERNET).u16(0).u16(0).u16(0).u32(Math.min(rate, 0xffff_ffff))
}

function writeTbf(request: Request, spec: Of<'tbf'>): void {
  const rate = bytesPerSecond(spec.rate, 'spec.rate')
  const burst = burstOf(spec.burst, rate)
  const latency = spec.latency === undefined ? 50 : checkInteger(spec.latency, 'spec.latency', 1, 2 ** 31 - 1)
  const limit = Math.min(0xffff_ffff, Math.ceil((rate * latency) / 1000) + burst)
  request.attribute(1, 36)
  writeRate(request, rate)
  request.raw(new Uint8Array(12)).u32(limit).u32(ticks(burst, rate)).u32(0)
  if (rate > 0xffff_ffff) request.attribute(4, 8).u64(BigInt(rate))
  request.attributeU32(6, burst)
}

/** The options of htb's one class, for everything. */
export function writeClassOptions(request: Request, spec: Of<'htb'>): void {
  const rate = bytesPerSecond(spec.rate, 'spec.rate')
  const ceil = spec.ceil === undefined ? rate : bytesPerSecond(spec.ceil, 'spec.ceil')
  const burst = burstOf(spec.burst, rate)
  request.nest(
    TCA.options,
    () => {
      request.attribute(1, 44)
      writeRate(request, rate)
      writeRate(request, ceil)
      const quantum = Math.min(60_000, Math.max(1514, Math.floor(rate / 10)))
      request.u32(ticks(burst, rate)).u32(ticks(burst, ceil)).u32(quantum).u32(0).u32(0)
      if (rate > 0xffff_ffff) request.attribute(6, 8).u64(BigInt(rate))
      if (ceil > 0xffff_ffff) request.attribute(7, 8).u64(BigInt(ceil))
    },
    0
  )
}

/** A share of packets, as the kernel counts it: all 32 bits set are 100 %. */
function share(value: unknown, label: string): number {
  if (value === undefined) return 0
  if (typeof value !== 'number') throw invalidType(label, 'of type number', value)
  if (!(value >= 0 && value <= 100)) throw invalidValue(label, value, 'it must be from 0 to 100')
  return Math.round((value / 100) * 0xffff_ffff)
}

function milliseconds(value: unknown, label: string): number {
  if (value === undefined) return 0
  if (typeof value !== 'number') throw invalidType(label, 'of type number', value)
  if (!(value >= 0 && value <= 1e9)) throw invalidValue(label, value, 'it must be from 0 to 1e9 milliseconds')
  return Math.round(value * 1e6)
}

/** `struct tc_netem_qopt`, with attributes behind it. */
function writeNetem(request: Request, spec: Of<'netem'>): void {
  const delay = milliseconds(spec.delay, 'spec.delay')
  const jitter = milliseconds(spec.jitter, 'spec.jitter')
  const [loss, duplicate] = [share(spec.loss, 'spec.loss'), share(spec.duplicate, 'spec.duplicate')]
  const [corrupt, reorder] = [share(spec.corrupt, 'spec.corrupt'), share(spec.reorder, 'spec.reorder')]
  const limit = spec.limit === undefined ? 1000 : checkInteger(spec.limit, 'spec.limit', 1, 0xffff_ffff)
  const rate = spec.rate === undefined ? undefined : bytesPerSecond(spec.rate, 'spec.rate')
  const tick = (nanoseconds: number) => Math.min(0xffff_ffff, Math.round(nanoseconds / TICK))
  request.nest(
    TCA.options,
    () => {
      request
        .u32(tick(delay))
        .u32(limit)
        .u32(loss)
        .u32(reorder > 0 ? 1 : 0)
        .u32(duplicate)
        .u32(tick(jitter))
      if (reorder > 0) request.attribute(3, 8).u32(reorder).u32(0)
      if (corrupt > 0) request.attribute(4, 8).u32(corrupt).u32(0)
      if (rate !== undefined) request.attribute(6, 16).u32(Math.min(rate, 0xffff_ffff)).u32(0).u32(0).u32(0)
      if (rate !== undefined && rate > 0xffff_ffff) request.attribute(8, 8).u64(BigInt(rate))
      request.attribute(10, 8).u64(BigInt(delay)).attribute(11, 8).u64(BigInt(jitter))
    },
    0
  )
}

function writeFqCodel(request: Request, spec: Of<'fq_codel'>): void {
  const number = (type: number, name: 'target' | 'interval' | 'limit' | 'flows' | 'quantum', factor = 1) => {
    const value = spec[name]
    if (value !== undefined) request.attributeU32(type, checkInteger(value, `spec.${name}`, 0, 2 ** 31 - 1) * factor)
  }
  number(1, 'target', 1000)
  number(2, 'limit')
  number(3, 'interval', 1000)
  if (spec.ecn !== undefined) request.attributeU32(4, Number(checkFlag(spec.ecn, 'spec.ecn')))
  number(5, 'flows')
  number(6, 'quantum')
}
