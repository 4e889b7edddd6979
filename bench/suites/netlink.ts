/**
 * Configuration by netlink, against raw netlink (the kernel's own cost), Go's library, and iproute2; and what it costs the
 * event loop.
 *
 * What others wait for the loop has two parts. What its thread works in a turn, before it looks what else there is, is
 * ours: the goal is about the processor time of that, with its system calls and the collector's pauses. The rest of a wait
 * is for a processor, which a thread of ours, the collector or anybody has, or which the hypervisor took away: where there
 * are few, a thread of Node's own pool that is as busy in the kernel costs the loop as much. So the wait itself is shown
 * beside that, without a goal.
 *
 * Some of the processor time is not ours either: interrupts take it from whoever runs. The kernel frees in them what ten
 * thousand routes left behind, for up to two milliseconds at once, on this thread or another one; hence the best rounds.
 */
import { builtPeer, node, rust } from '../peers.ts'
import type { Operation, Suite } from '../suite.ts'

const ours = 'node-netns'
const awaited = 'node-netns, asynchronous'
const raw = 'raw netlink (Rust)'
const golang = 'vishvananda/netlink (Go)'
const batch = 'ip -batch'
const ip = 'ip'
const idle = 'an idle event loop'
/** Rows of the wait itself. */
const waited = 'waited: node-netns'
const waitedIdle = 'waited: an idle event loop'
/** What no library can do better where the machine has few processors: it tells how much of a wait is the scheduler's. */
const waitedPool = "waited: Node's own pool at work"

/** Both rows of one are told by the same process. */
const library = node('netlink.mjs')
const nothing = node('netlink.mjs')

/** One at a time, with a rest in which the kernel takes the last namespaces down. */
const single = { batches: 1, size: 1, rest: 30 }

/**
 * How many veths every peer makes before those that are measured. The others are compiled beforehand or, as `ip`, start
 * anew each time; of ours the engine has to learn first what is worth compiling. With nothing before, the goal would be
 * about that, which the first call of a process pays and a row of its own tells: our JavaScript took 118 µs of a call after
 * one before, 97 after 100 and 76 after 400. It goes on falling, to 41 after 2,500 in a process that does nothing else; so
 * this is no more than a test suite makes. It takes most peers some seconds, and those that start `ip` a minute.
 */
const WARM = 400

const operations: Operation[] = [
  {
    name: 'a veth pair with addresses, up',
    by: { [ours]: 'pair', [awaited]: 'pair-async', [raw]: 'pair', [golang]: 'pair', [batch]: 'pair', [ip]: 'pair' },
    ...single,
    warm: WARM,
    rounds: 40,
    turns: 3,
    goals: [
      { peer: ours, against: raw, ratio: 1.15 },
      { peer: ours, against: golang, ratio: 1 }
    ]
  },
  {
    name: "a process's first veth pair",
    by: { [ours]: 'pair', [raw]: 'pair', [golang]: 'pair' },
    ...single,
    fresh: 'cold'
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
    name: `one turn: ${work}`,
    by: {
      [ours]: `work:${work.replaceAll(' ', '-')}`,
      [idle]: 'work:nothing',
      [waited]: `wait:${work.replaceAll(' ', '-')}`,
      [waitedIdle]: 'wait:nothing',
      [waitedPool]: 'wait:pool'
    },
    ...single,
    rounds: 10,
    goals: [{ peer: ours, against: idle, over: 1000 }]
  }))
]

export const suite: Suite = {
  name: 'netlink',
  peers: {
    [ours]: library,
    [awaited]: node('netlink.mjs'),
    [raw]: rust('netlink'),
    [golang]: builtPeer('netlink-go'),
    [batch]: { ...node('netlink-ip.mjs', 'batch'), needs: 'ip' },
    [ip]: { ...node('netlink-ip.mjs', 'single'), needs: 'ip' },
    [idle]: nothing,
    [waited]: library,
    [waitedIdle]: nothing,
    [waitedPool]: node('netlink.mjs')
  },
  operations
}
