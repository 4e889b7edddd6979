/** Handles, names and `runSync`, against raw system calls and what else there is. */
import { NetNs } from 'node-netns'
import { go, node, rust } from '../peers.ts'
import { type Operation, oneNamespace, type Suite } from '../suite.ts'

const ours = 'node-netns'
const raw = 'raw calls'
const shared = 'raw calls, by the protocol'
const core = 'netns-core (Rust)'
const netns = 'vishvananda/netns (Go)'
const cni = 'CNI pkg/ns (Go)'
const ip = 'ip netns'
const nodeIp = 'Node running ip'
const awaited = 'node-netns, asynchronous'

/** What takes a few microseconds. */
const quick = { batches: 10, size: 200, turns: 6, rounds: 20 }
/** The same, against another program's process: some are slower than others for all their life, so there are many. */
const others = { ...quick, rounds: 12, fresh: true }
/** What makes a namespace, which the kernel cleans up behind our back. */
const making = { batches: 5, size: 1, turns: 6, rounds: 10, rest: 40 }

const manyNames = {
  setup: () => each1000((name) => NetNs.createSync({ name }).close()),
  teardown: () => each1000((name) => NetNs.deleteSync(name))
}

function each1000(act: (name: string) => void): void {
  for (let index = 0; index < 1000; index++) act(`one-of-many-${index}`)
}

const operations: Operation[] = [
  {
    name: 'current, close',
    by: { [raw]: 'raw-current', [ours]: 'current', [netns]: 'current', [core]: 'current', [cni]: 'current' },
    ...others,
    goals: [{ peer: ours, against: netns, ratio: 1.2 }]
  },
  {
    name: 'fromName, close',
    by: { [raw]: 'raw-from-name', [ours]: 'from-name', [netns]: 'from-name', [core]: 'from-name', [cni]: 'from-name' },
    ...others,
    goals: [{ peer: ours, against: netns, ratio: 1.2 }]
  },
  {
    name: 'equals',
    by: { [raw]: 'raw-equals', [ours]: 'equals', [netns]: 'equals', [core]: 'equals' },
    ...quick
  },
  {
    name: 'runSync of an empty function',
    by: { [raw]: 'raw-run-sync', [ours]: 'run-sync', [netns]: 'run-sync', [core]: 'run-sync' },
    ...quick,
    // What is asked is near to what is answered.
    rounds: 60,
    goals: [{ peer: ours, against: raw, ratio: 1.4 }]
  },
  {
    // Apart from the others, in whose short turns it would take most of the time.
    name: 'runSync of an empty function, as Do',
    by: { [ours]: 'run-sync', [cni]: 'run-sync' },
    batches: 10,
    size: 100,
    goals: [{ peer: ours, against: cni, ratio: 0.1 }]
  },
  {
    name: 'create, close',
    by: { [raw]: 'raw-create', [ours]: 'create', [awaited]: 'create-async', [core]: 'create', [netns]: 'create' },
    ...making,
    goals: [{ peer: ours, against: raw, ratio: 1.05 }]
  },
  {
    name: 'create with a name, delete',
    by: {
      [raw]: 'raw-create-named',
      [ours]: 'create-named',
      [shared]: 'raw-create-named-shared',
      [awaited]: 'create-named-async',
      [core]: 'create-named',
      [netns]: 'create-named',
      [ip]: 'create-named',
      [nodeIp]: 'create-named-async'
    },
    ...making,
    goals: [
      { peer: ours, against: raw, ratio: 1.1 },
      { peer: ours, against: shared, ratio: 1.1 },
      { peer: ours, against: nodeIp, ratio: 0.1 },
      { peer: awaited, against: nodeIp, ratio: 0.1 }
    ]
  },
  {
    name: 'list of 1,000 names',
    by: {
      [raw]: 'raw-list',
      [core]: 'list',
      [ours]: 'list',
      [awaited]: 'list-async',
      [ip]: 'list',
      [nodeIp]: 'list-async'
    },
    batches: 10,
    size: 1,
    goals: [{ peer: ours, against: ip, ratio: 1 / 12 }],
    ...manyNames
  },
  {
    // As the first listing of a process: every name has to be looked at. Told beside the other, and not judged twice.
    name: 'list of 1,000 names, after a change',
    by: { [ours]: 'list-changed', [awaited]: 'list-changed-async', [ip]: 'list' },
    batches: 10,
    size: 1,
    ...manyNames
  }
]

/** The raw calls are made by the process that is judged by them: `peers/raw/` says why. */
const judged = node('ours.mjs')

export const suite: Suite = {
  name: 'namespaces',
  peers: {
    [raw]: judged,
    [shared]: judged,
    [ours]: judged,
    [core]: rust('core'),
    [awaited]: node('ours.mjs'),
    [netns]: go('netns'),
    [cni]: go('cni'),
    [ip]: rust('ip'),
    [nodeIp]: { ...node('node-ip.mjs'), needs: 'ip' }
  },
  operations,
  ...oneNamespace
}
