/** Takes steps, tells about them, and cleans up behind them. */
import { performance } from 'node:perf_hooks'
import { styleText } from 'node:util'

/** What a step gets: words to say, and a promise to take away what it makes. */
export type Step = (tour: Tour) => void | Promise<void>

/** Lines are folded by hand to fit this. */
const WIDTH = 80

export class Tour {
  readonly #taken: { title: string; milliseconds: number }[] = []
  readonly #left: (() => void)[] = []
  readonly #colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined

  /** Takes a step; its time includes what it says. */
  async take(title: string, step: Step): Promise<void> {
    console.log(this.#style('bold', `\n${this.#taken.length + 1}. ${title}`))
    const start = performance.now()
    await step(this)
    this.#taken.push({ title, milliseconds: performance.now() - start })
  }

  /** A result. */
  say(what: string): void {
    for (const line of fold(what, WIDTH - 3)) console.log(`   ${line}`)
  }

  /** A claim that was checked; the tour ends if it does not hold. */
  check(holds: boolean, claim: string): void {
    if (!holds) throw new Error(`this does not hold: ${claim}`)
    const [first, ...rest] = fold(claim, WIDTH - 5)
    console.log(`   ${this.#style('green', '✓')} ${first}`)
    for (const line of rest) console.log(`     ${line}`)
  }

  /** What must be undone at the end, however that comes. */
  onEnd(undo: () => void): void {
    this.#left.push(undo)
  }

  /** Undoes everything, the last first. Twice does no harm. */
  cleanUp(): void {
    for (let undo = this.#left.pop(); undo !== undefined; undo = this.#left.pop()) undo()
  }

  /** The table. */
  summarise(): void {
    const widest = Math.max(...this.#taken.map(({ title }) => title.length))
    console.log(this.#style('bold', `\n${'What was done'.padEnd(widest + 4)}${'ms'.padStart(10)}`))
    for (const [index, { title, milliseconds }] of this.#taken.entries()) {
      console.log(`${`${index + 1}. ${title}`.padEnd(widest + 4)}${milliseconds.toFixed(2).padStart(10)}`)
    }
    console.log('\nNothing is left behind: no namespace, no name, no process.')
  }

  #style(format: 'bold' | 'green', text: string): string {
    return this.#colours ? styleText(format, text) : text
  }
}

function fold(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
