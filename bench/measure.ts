/** Interleaved rounds of turns, and what is made of them. */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Estimate, estimate, quantile } from './estimate.ts'
import type { Peer } from './peer.ts'
import type { Operation } from './suite.ts'

/** Milliseconds in which the kernel takes down what was made in many turns without rests. */
const SETTLE = 1000

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
  /** The median of each turn, by rounds. */
  rounds: number[][]
}

/** Every peer has its turns in every round, so that what disturbs the machine disturbs all alike. */
export async function measure(operation: Operation, peers: Map<string, Peer>): Promise<Result[]> {
  const { name, batches, size, rounds = 12, rest = 0, fresh = false, turns = 1, warm = batches * turns } = operation
  const rows = Object.entries(operation.by).flatMap(([label, request]) => {
    const peer = peers.get(label)
    return peer ? [{ label, request, peer, samples: [] as number[], rounds: [] as number[][] }] : []
  })
  await operation.setup?.()
  for (let round = 0; round < rounds; round++) {
    // What does not count comes first: code is compiled, caches are filled.
    if (fresh === true) await Promise.all([...new Set(rows.map(({ peer }) => peer))].map((peer) => peer.restart()))
    if (fresh === true || (fresh === false && round === 0)) {
      for (const { peer, request } of rows) await peer.round(request, warm, size)
      if (operation.warm !== undefined) await sleep(SETTLE)
    }
    for (const row of rows) row.rounds.push([])
    for (let turn = 0; turn < turns; turn++) {
      // In no order, as whoever comes after himself, or always after the same one, finds the machine otherwise than others.
      for (const row of shuffled(rows)) {
        await sleep(rest)
        if (fresh === 'cold') await row.peer.restart()
        const times = await row.peer.round(row.request, batches, size)
        row.samples.push(...times)
        row.rounds[round]?.push(quantile(times, 0.5))
      }
    }
  }
  await operation.teardown?.()
  return rows.map(({ label, samples, rounds }) => ({
    peer: label,
    op: name,
    n: samples.length * size,
    unit: 'µs',
    min: Math.min(...samples),
    median: quantile(samples, 0.5),
    p95: quantile(samples, 0.95),
    best: Math.min(...rounds.flat()),
    rounds
  }))
}

function shuffled<T>(values: readonly T[]): T[] {
  const left = [...values]
  return values.map(() => left.splice(randomInt(left.length), 1)[0] as T)
}

/** How `one` compares with `other`: turn by turn of the same round, and by their best turns. */
export function compare(one: Result, other: Result): { ratio: Estimate; over: Estimate; best: number } {
  return {
    ratio: paired(one, other, (mine, theirs) => mine / theirs),
    over: paired(one, other, (mine, theirs) => mine - theirs),
    best: one.best / other.best
  }
}

/**
 * Turns are close in time, so that a machine that is slow for a second, or a process that is slow for all its life, is so
 * on both sides of a pair. Those of one round are still no independent answers, least of all those of the same two
 * processes: a round has one.
 */
function paired(one: Result, other: Result, how: (mine: number, theirs: number) => number): Estimate {
  const answers = one.rounds.map((turns, round) => {
    const theirs = other.rounds[round] as number[]
    return quantile(
      turns.map((mine, turn) => how(mine, theirs[turn] as number)),
      0.5
    )
  })
  return estimate(answers)
}
