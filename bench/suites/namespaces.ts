/** Handles, names and `runSync`, against raw system calls and what else there is. */
import { NetNs } from 'node-netns'
import { go, node, rust } from '../peers.ts'
import { type Operation, oneNamespace, type Suite } from '../suite.ts'

const ours = 'node-netns'
const raw = 'raw calls (Rust)'
const shared = 'raw calls, by the protocol'
const core = 'netns-core (Rust)'
const netns = 'vishvananda/netns (Go)'
const cni = 'CNI pkg/ns (Go)'
const ip = 'ip netns'
const nodeIp = 'Node running ip'
const awaited = 'node-netns, asynchronous'

/** What takes a few microseconds. */
const quick = { batches: 20, size: 500 }
/** What makes a namespace, which the kernel cleans up behind our back. */
const making = { batches: 30, size: 1, rounds: 10, rest: 250 }

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
    by: { [raw]: 'current', [core]: 'current', [ours]: 'current', [netns]: 'current', [cni]: 'current' },
    ...quick,
    goals: [{ peer: ours, against: netns, ratio: 1.2 }]
  },
  {
    name: 'fromName, close',
    by: { [raw]: 'from-name', [core]: 'from-name', [ours]: 'from-name', [netns]: 'from-name', [cni]: 'from-name' },
    ...quick,
    goals: [{ peer: ours, against: netns, ratio: 1.2 }]
  },
  {
    name: 'equals',
    by: { [raw]: 'equals', [core]: 'equals', [ours]: 'equals', [netns]: 'equals' },
    ...quick
  },
  {
    name: 'runSync of an empty function',
    by: { [raw]: 'run-sync', [core]: 'run-sync', [ours]: 'run-sync', [netns]: 'run-sync', [cni]: 'run-sync' },
    ...quick,
    goals: [
      { peer: ours, against: raw, ratio: 1.4 },
      { peer: ours, against: cni, ratio: 0.1 }
    ]
  },
  {
    name: 'create, close',
    by: { [raw]: 'create', [core]: 'create', [ours]: 'create', [awaited]: 'create-async', [netns]: 'create' },
    ...making,
    goals: [{ peer: ours, against: raw, ratio: 1.05 }]
  },
  {
    name: 'create with a name, delete',
    by: {
      [raw]: 'create-named',
      [shared]: 'create-named-shared',
      [core]: 'create-named',
      [ours]: 'create-named',
      [awaited]: 'create-named-async',
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
      [raw]: 'list',
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

export const suite: Suite = {
  name: 'namespaces',
  peers: {
    [raw]: rust('raw'),
    [shared]: rust('raw'),
    [core]: rust('core'),
    [ours]: node('ours.mjs'),
    [awaited]: node('ours.mjs'),
    [netns]: go('netns'),
    [cni]: go('cni'),
    [ip]: rust('ip'),
    [nodeIp]: { ...node('node-ip.mjs'), needs: 'ip' }
  },
  operations,
  ...oneNamespace
}
