/** Node's own work inside a context, against plain Node in the same network. */
import { node, nodeVersion, there } from '../peers.ts'
import { type Operation, oneNamespace, type Suite } from '../suite.ts'

const plain = 'plain Node'
const storage = 'an AsyncLocalStorage alone'
const inside = 'inside a context'
const outside = 'outside of contexts'
const storageOutside = 'outside of an AsyncLocalStorage'
const idle = 'before any context'
const unopened = 'before any handle'

/** AsyncLocalStorage costs by itself on Node 20 and 22, which follow promises with hooks. */
const follows = Number.parseInt(nodeVersion().slice(1), 10) < 24

/**
 * At least this share of plain Node's rate. A few percent are what is asked here, and less than what this machine's speed
 * changes by in a tenth of a second, or than one process differs from the next by how its code came to be compiled: turns
 * take about a hundredth of a second, and there are more of them, and more processes, than elsewhere.
 *
 * @param share - undefined where nothing is asked
 * @param size - operations a turn
 * @param warm - operations that do not count. Until then V8 is still compiling what is in JavaScript, on a processor that
 * the others need, and of a context that nothing is left of the hooks have not been off for long
 */
function operation(name: string, request: string, share: number | undefined, size: number, warm: number): Operation {
  return {
    name,
    by: { [plain]: request, [storage]: request, [inside]: request },
    batches: 1,
    size,
    turns: 120,
    rounds: 16,
    warm: Math.ceil(warm / size),
    fresh: true,
    goals: share === undefined ? [] : [{ peer: inside, against: plain, ratio: 1 / share }]
  }
}

/** With fewer turns and processes, for what is not asked to the percent. */
function roughly(exact: Operation): Operation {
  return { ...exact, turns: 60, rounds: 8 }
}

/** With more of both, for what takes as long as plain Node but for a percent or two. */
function exactly(exact: Operation): Operation {
  return { ...exact, turns: 200, rounds: 24 }
}

export const suite: Suite = {
  name: 'contexts',
  peers: {
    [plain]: there('bench', node('contexts.mjs', 'plain')),
    [storage]: there('bench', node('contexts.mjs', 'storage')),
    [outside]: there('bench', node('contexts.mjs', 'outside')),
    [storageOutside]: there('bench', node('contexts.mjs', 'storage-outside')),
    [inside]: node('contexts.mjs', 'inside'),
    [idle]: node('contexts.mjs', 'idle'),
    [unopened]: node('contexts.mjs', 'unopened')
  },
  operations: [
    operation('HTTP request, kept alive', 'http-keep-alive', follows ? 0.88 : 0.98, 80, 8000),
    operation('HTTP request, new connection', 'http-connection', follows ? 0.9 : 0.93, 32, 8000),
    roughly(operation('TCP connect, close', 'connect', undefined, 64, 8000)),
    {
      ...exactly(operation('TCP connect, close, outside', 'connect', undefined, 64, 8000)),
      by: { [plain]: 'connect', [storageOutside]: 'connect', [outside]: 'connect' },
      goals: [{ peer: outside, against: plain, ratio: 1.02 }]
    },
    operation('UDP round trip', 'udp', 0.98, 400, 40_000),
    roughly(operation('dns.resolve4, one at a time', 'resolve4-1', 0.8, 40, 12_000)),
    roughly(operation('dns.resolve4, 10 in flight', 'resolve4-10', 0.8, 400, 20_000)),
    roughly(operation('dns.resolve4, 100 in flight', 'resolve4-100', 0.8, 400, 20_000)),
    {
      name: 'run, against AsyncLocalStorage.run',
      by: { [plain]: 'run', [inside]: 'run' },
      batches: 10,
      size: 10_000,
      goals: [{ peer: inside, against: plain, over: 1 }]
    },
    {
      name: 'first run of a process',
      // With a handle that is open while the program waits, and in the turn in which the first is opened.
      by: { [plain]: 'first-run', [idle]: 'first-run', [unopened]: 'first-run' },
      batches: 1,
      size: 1,
      // Processes differ by more than a millisecond here.
      rounds: 80,
      fresh: 'cold',
      goals: [idle, unopened].map((peer) => ({ peer, against: plain, over: 5000 }))
    }
  ],
  ...oneNamespace
}
