/** What it costs to have the library in a program. */
import { node } from '../peers.ts'
import type { Operation, Suite } from '../suite.ts'

/**
 * A few milliseconds are what is asked here, and less than what processes of a program that does nothing differ by: so many
 * are compared, each with the one next to it.
 */
function pairs(rounds: number): Pick<Operation, 'batches' | 'size' | 'rounds'> {
  return { batches: 1, size: 1, rounds }
}

export const suite: Suite = {
  name: 'import',
  peers: {
    'empty program': node('imports.mjs'),
    "import 'node-netns'": node('imports.mjs'),
    'and the first call': node('imports.mjs')
  },
  operations: [
    {
      name: 'import',
      by: { 'empty program': 'empty', "import 'node-netns'": 'import' },
      ...pairs(250),
      goals: [{ peer: "import 'node-netns'", against: 'empty program', over: 5000 }]
    },
    {
      name: 'first call',
      by: { 'empty program': 'empty', 'and the first call': 'first-call' },
      ...pairs(100)
    }
  ]
}
