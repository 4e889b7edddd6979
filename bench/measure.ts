/** Interleaved rounds, and what is made of them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Peer } from './peer.ts'
import type { Operation } from './suite.ts'

/** What one peer took for one operation, in microseconds. */
export interface Result {
  peer: string
  op: string
  /** Operations measured. */
  n: number
  unit: 'µs'
  min: number
  median: number
  p95: number
  /** The best turn's median: what the machine's noise touched least. */
  best: number
  /** The median of each turn of each round. */
  rounds: number[]
}

/** Every peer has its turn in every round, so that what disturbs the machine disturbs all alike. */
export async function measure(operation: Operation, peers: Map<string, Peer>): Promise<Result[]> {
  const { name, batches, size, rounds = 12, rest = 0, fresh = false, turns = 1 } = operation
  const rows = Object.entries(operation.by).flatMap(([label, request]) => {
    const peer = peers.get(label)
    return peer ? [{ label, request, peer, samples: [] as number[], medians: [] as number[] }] : []
  })
  await operation.setup?.()
  // A first round that does not count: code is compiled, caches are filled.
  if (fresh === false) for (const { peer, request } of rows) await peer.round(request, batches * turns, size)
  for (let turn = 0; turn < rounds * turns; turn++) {
    if (fresh === true && turn % turns === 0) {
      for (const { peer, request } of rows) {
        await peer.restart()
        await peer.round(request, batches * turns, size)
      }
    }
    // Forth and back, as who comes first may find the machine otherwise than who comes last.
    for (const { peer, request, samples, medians } of turn % 2 === 0 ? rows : rows.toReversed()) {
      await sleep(rest)
      if (fresh === 'cold') await peer.restart()
      const times = await peer.round(request, batches, size)
      samples.push(...times)
      medians.push(quantile(times, 0.5))
    }
  }
  await operation.teardown?.()
  return rows.map(({ label, samples, medians }) => ({
    peer: label,
    op: name,
    n: samples.length * size,
    unit: 'µs',
    min: Math.min(...samples),
    median: quantile(samples, 0.5),
    p95: quantile(samples, 0.95),
    best: Math.min(...medians),
    rounds: medians
  }))
}

/** How `one` compares with `other`: by their best rounds, and round by round. */
export function compare(one: Result, other: Result): { best: number; paired: number; over: number } {
  const pairs = one.rounds.map((median, round) => [median, other.rounds[round] as number] as const)
  return {
    best: one.best / other.best,
    paired: quantile(
      pairs.map(([mine, theirs]) => mine / theirs),
      0.5
    ),
    over: quantile(
      pairs.map(([mine, theirs]) => mine - theirs),
      0.5
    )
  }
}

function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number
}
