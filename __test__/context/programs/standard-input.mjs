/** Looks at its input first in a context, and listens to it there and outside. Prints where each was called. */
import { createInterface } from 'node:readline'
import { NetNs } from 'node-netns'

const red = NetNs.createSync()
const seen = {}
const note = (what) => () => {
  seen[what] = NetNs.current().id === red.id ? 'red' : 'home'
}

red.run(() => {
  void process.stdin.isTTY
  createInterface({ input: process.stdin }).once('line', note('readline'))
})
process.stdin.once('data', note('outside'))
red.run(() => process.stdin.once('data', note('inside')))
process.stdin.once('end', () => {
  note('end')()
  process.stdout.write(JSON.stringify(seen))
})
