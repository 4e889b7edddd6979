/** Starting `/bin/true` to its exit: natively, by Node, by programs around it; from a small process and from a large one. */
import { join } from 'node:path'
import { go, node, rust } from '../peers.ts'
import { type Operation, oneNamespace, type PeerCommand, type Suite } from '../suite.ts'

const command = 'command().status()'
const spawned = 'command().spawn()'
const mounts = 'command, /etc and /sys'
const capabilities = 'command, no capabilities'
const nsSpawn = 'ns.spawn'
const plain = 'Node, no namespace'
const hooked = 'Node, no namespace, but hooks'
const nsenter = 'Node and nsenter'
const ip = 'Node and ip netns exec'
const python = 'Python, posix_spawn'
const golang = 'vishvananda/netns and os/exec (Go)'
const raw = 'setns and posix_spawn (Rust)'

/** Processes of their own for every road: a fork leaves its parent with pages to copy, which others must not pay for. */
const roads: Record<string, string> = {
  [command]: 'command',
  [spawned]: 'command-spawn',
  [mounts]: 'command-mounts',
  [capabilities]: 'command-capabilities',
  [nsSpawn]: 'ns-spawn',
  [plain]: 'node',
  [hooked]: 'node-hooked',
  [nsenter]: 'nsenter',
  [ip]: 'ip-netns-exec'
}
const large = (label: string) => `${label}, 2 GB`
const turn = (label: string) => `${label}, by turns`

function peer(gigabytes: number): PeerCommand {
  return node('spawn.mjs', String(gigabytes))
}

const one: Operation = {
  name: 'start and end of /bin/true',
  by: { ...roads, [raw]: 'spawn', [golang]: 'spawn', [python]: 'spawn' },
  // Short rounds and many: a few percent are told apart by pairs of rounds that are close in time.
  batches: 10,
  size: 1,
  rounds: 40,
  goals: [
    { peer: command, against: plain, ratio: 0.6 },
    { peer: command, against: nsenter, ratio: 1 / 3 },
    { peer: command, against: ip, ratio: 1 / 3 },
    { peer: command, against: golang, ratio: 1.05 },
    { peer: command, against: python, ratio: 1.05 },
    { peer: mounts, against: ip, ratio: 1 / 1.5 }
  ]
}

/** Two processes that do the same differ by more than what is asked here, so both roads are one process's. */
const byTurns: Operation = {
  name: 'start and end of /bin/true, by turns in one process',
  by: { [turn(plain)]: roads[plain] as string, [turn(nsSpawn)]: roads[nsSpawn] as string },
  batches: 1,
  size: 1,
  rounds: 2000,
  goals: [{ peer: turn(nsSpawn), against: turn(plain), ratio: 1.03 }]
}

const sixteen: Operation = {
  name: 'sixteen at once',
  by: Object.fromEntries(Object.entries(roads).map(([label, road]) => [label, `${road}-16`])),
  batches: 5,
  size: 1,
  rounds: 6,
  goals: [{ peer: command, against: plain, ratio: 0.6 }]
}

/** What the issue names: at a large heap too, one at a time and sixteen at once. */
const largeRoads: Record<string, string> = Object.fromEntries(
  [command, nsSpawn, plain, nsenter, ip].map((label) => [large(label), roads[label] as string])
)

const fromLarge: Operation = {
  name: 'from a process of 2 GB',
  by: largeRoads,
  batches: 5,
  size: 1,
  rounds: 4,
  goals: [
    { peer: large(command), against: large(plain), ratio: 0.05 },
    { peer: large(command), against: large(nsenter), ratio: 1 / 3 },
    { peer: large(command), against: large(ip), ratio: 1 / 3 }
  ]
}

const sixteenFromLarge: Operation = {
  name: 'sixteen at once, from 2 GB',
  by: Object.fromEntries(Object.entries(largeRoads).map(([label, road]) => [label, `${road}-16`])),
  batches: 1,
  size: 1,
  rounds: 2,
  goals: [{ peer: large(command), against: large(plain), ratio: 0.05 }]
}

const blocked: Operation = {
  name: 'event loop blocked by a start',
  by: { [spawned]: 'command-start', [plain]: 'node-start' },
  batches: 40,
  size: 1,
  rounds: 8,
  goals: [{ peer: spawned, most: 100 }]
}

const blockedLarge: Operation = {
  name: 'event loop blocked by a start, 2 GB',
  by: { [large(command)]: 'command-start', [large(plain)]: 'node-start' },
  batches: 20,
  size: 1,
  rounds: 4,
  goals: [{ peer: large(command), most: 100 }]
}

const small = Object.keys(roads).map((label) => [label, peer(0)])
// Three processes: those of Node's children differ in what they start only.
const [ours, inContexts, theirs] = [peer(2), peer(2), peer(2)]
const both = peer(0)

export const suite: Suite = {
  name: 'spawn',
  peers: {
    ...Object.fromEntries(small),
    [turn(plain)]: both,
    [turn(nsSpawn)]: both,
    [large(command)]: ours,
    [large(nsSpawn)]: inContexts,
    [large(plain)]: theirs,
    [large(nsenter)]: theirs,
    [large(ip)]: theirs,
    [raw]: rust('raw'),
    [golang]: go('netns'),
    [python]: { file: 'python3', args: [join(import.meta.dirname, '../peers/spawn.py')], needs: 'python3' }
  },
  operations: [one, byTurns, sixteen, blocked, fromLarge, sixteenFromLarge, blockedLarge],
  ...oneNamespace
}
