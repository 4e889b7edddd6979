/** What it costs to have the library in a program. */
import { node } from '../peers.ts'
import type { Suite } from '../suite.ts'

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
      by: { 'empty program': 'empty', "import 'node-netns'": 'import', 'and the first call': 'first-call' },
      batches: 5,
      size: 1,
      rounds: 30,
      goals: [{ peer: "import 'node-netns'", against: 'empty program', over: 5000 }]
    }
  ]
}
