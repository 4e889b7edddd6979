/** Configuration by netlink, against raw netlink (the kernel's own cost), Go's library, and iproute2. */
import { builtPeer, node, rust } from '../peers.ts'
import type { Operation, Suite } from '../suite.ts'

const ours = 'node-netns'
const awaited = 'node-netns, asynchronous'
const raw = 'raw netlink (Rust)'
const golang = 'vishvananda/netlink (Go)'
const batch = 'ip -batch'
const ip = 'ip'
const idle = 'an idle event loop'
/** What no library can do better where the machine has few processors: it tells how much of a wait is the scheduler's. */
const pool = "Node's own pool at work"

/** One at a time, with a rest in which the kernel takes the last namespaces down. */
const single = { batches: 1, size: 1, rest: 30 }

const operations: Operation[] = [
  {
    name: 'a veth pair with addresses, up',
    by: { [ours]: 'pair', [awaited]: 'pair-async', [raw]: 'pair', [golang]: 'pair', [batch]: 'pair', [ip]: 'pair' },
    ...single,
    rounds: 40,
    goals: [
      { peer: ours, against: raw, ratio: 1.15 },
      { peer: ours, against: golang, ratio: 1 }
    ]
  },
  {
    name: 'a bulk of 10,000 routes',
    by: { [ours]: 'bulk', [raw]: 'bulk', [golang]: 'bulk', [batch]: 'bulk' },
    ...single,
    goals: [
      { peer: ours, against: raw, ratio: 1.3 },
      { peer: ours, against: golang, ratio: 0.5 }
    ]
  },
  {
    name: 'a list of 10,000 routes',
    by: { [ours]: 'list', [raw]: 'list', [golang]: 'list', [batch]: 'list' },
    ...single,
    rounds: 24,
    goals: [{ peer: ours, against: golang, ratio: 0.5 }]
  },
  ...[
    'list of 10,000 routes',
    'add of 10,000 routes',
    'delete of 10,000 routes',
    'flush of 10,000 routes',
    'list of 2,000 addresses',
    'add of 2,000 addresses',
    'flush of 2,000 addresses',
    'list of 1,000 links',
    'monitor of 10,000 changes'
  ].map((work) => ({
    name: `wait for the loop: ${work}`,
    by: { [ours]: work.replaceAll(' ', '-'), [idle]: 'nothing', [pool]: 'pool' },
    ...single,
    rounds: 10,
    goals: [{ peer: ours, against: idle, over: 1000 }]
  }))
]

export const suite: Suite = {
  name: 'netlink',
  peers: {
    [ours]: node('netlink.mjs'),
    [awaited]: node('netlink.mjs'),
    [raw]: rust('netlink'),
    [golang]: builtPeer('netlink-go'),
    [batch]: { ...node('netlink-ip.mjs', 'batch'), needs: 'ip' },
    [ip]: { ...node('netlink-ip.mjs', 'single'), needs: 'ip' },
    [idle]: node('netlink.mjs'),
    [pool]: node('netlink.mjs')
  },
  operations
}
