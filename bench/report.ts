/** A table for people, JSON lines for programs. */
import { appendFileSync, mkdirSync } from 'node:fs'
import { arch, cpus, release } from 'node:os'
import { dirname } from 'node:path'
import type { Estimate } from './estimate.ts'
import { compare, type Result } from './measure.ts'
import { nodeVersion } from './peers.ts'
import type { Goal, Operation } from './suite.ts'

export class Report {
  readonly #file: string
  readonly #lines: string[] = []

  constructor(file: string) {
    this.#file = file
    mkdirSync(dirname(file), { recursive: true })
    const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()} ${arch()}, Node ${nodeVersion()}`
    console.log(
      `${machine}\nTimes in µs. best: the best turn's median; ×: paired with the first row, turn by turn. Goals are judged by pairs; ` +
        'in brackets, between which figures theirs is with 95 % certainty.\n'
    )
  }

  /** The rows of one operation. */
  add(operation: Operation, results: Result[]): void {
    const [first] = results
    if (first === undefined) return
    console.log(row([operation.name, 'best', 'median', 'p95', '×']))
    for (const result of results) {
      const times = [result.best, result.median, result.p95].map(digits)
      console.log(row([`  ${result.peer}`, ...times, compare(result, first).ratio.median.toFixed(2)]))
    }
    for (const goal of operation.goals ?? []) this.#judge(goal, results)
    console.log('')
    for (const { peer, op, n, unit, min, median, p95, best } of results) {
      this.#lines.push(JSON.stringify({ peer, op, n, unit, ...rounded({ min, median, p95, best }) }))
    }
  }

  /** Prints the JSON lines and keeps them. */
  end(): void {
    console.log(this.#lines.join('\n'))
    appendFileSync(this.#file, `${this.#lines.join('\n')}\n`)
  }

  #judge({ peer, against, ratio, over, most }: Goal, results: Result[]): void {
    const one = results.find((result) => result.peer === peer)
    if (one !== undefined && most !== undefined) {
      const shown = `${digits(one.median)} µs by median, ${digits(one.best)} by best turns`
      console.log(`  ${verdict(one.median <= most)}: ${peer} takes ${shown}; the goal is ${most}`)
    }
    const other = results.find((result) => result.peer === against)
    if (one === undefined || other === undefined) return
    const found = compare(one, other)
    if (ratio !== undefined) {
      const shown = `${between(found.ratio, (value) => value.toFixed(3))} × ${against}, ${found.best.toFixed(2)} × by best turns`
      console.log(`  ${verdict(found.ratio.median <= ratio)}: ${peer} takes ${shown}; the goal is ${+ratio.toFixed(3)}`)
    }
    if (over !== undefined) {
      const shown = `${between(found.over, digits)} µs over ${against}, ${digits(one.best - other.best)} by best turns`
      console.log(`  ${verdict(found.over.median <= over)}: ${peer} takes ${shown}; the goal is ${over}`)
    }
  }
}

function between({ median, low, high }: Estimate, shown: (value: number) => string): string {
  return `${shown(median)} [${shown(low)}, ${shown(high)}]`
}

function verdict(met: boolean): string {
  return met ? 'met' : 'NOT MET'
}

function row([label = '', ...cells]: string[]): string {
  return label.padEnd(36) + cells.map((cell) => cell.padStart(10)).join('')
}

function digits(value: number): string {
  return Math.abs(value) < 10 ? value.toFixed(2) : Math.abs(value) < 1000 ? value.toFixed(1) : value.toFixed(0)
}

function rounded(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Number(value.toFixed(3))]))
}
