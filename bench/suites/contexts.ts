/** Node's own work inside a context, against plain Node in the same network. */
import { NetNs } from 'node-netns'
import { node } from '../peers.ts'
import type { Operation, PeerCommand, Suite } from '../suite.ts'

const plain = 'plain Node'
const inside = 'inside a context'
const outside = 'outside of contexts'

/** AsyncLocalStorage costs by itself on Node 20 and 22, which follow promises with hooks. */
const follows = Number(process.versions.node.split('.')[0]) < 24

/** At least this share of plain Node's rate. */
function operation(name: string, request: string, share: number, by = [plain, inside]): Operation {
  return {
    name,
    by: Object.fromEntries(by.map((peer) => [peer, request])),
    batches: 10,
    size: 100,
    goals: [{ peer: inside, against: plain, ratio: 1 / share }]
  }
}

/** A process whose own network is the namespace `bench`. */
function there(command: PeerCommand, mode: string): PeerCommand {
  return { file: 'nsenter', args: ['--net=/run/netns/bench', command.file, ...command.args, mode], needs: 'nsenter' }
}

const script = node('contexts.mjs')

export const suite: Suite = {
  name: 'contexts',
  peers: {
    [plain]: there(script, 'plain'),
    [outside]: there(script, 'outside'),
    [inside]: { ...script, args: [...script.args, 'inside'] }
  },
  operations: [
    operation('HTTP request, kept alive', 'http-keep-alive', follows ? 0.88 : 0.98),
    operation('HTTP request, new connection', 'http-connection', follows ? 0.9 : 0.93),
    {
      ...operation('TCP connect, close', 'connect', 0.9, [plain, outside, inside]),
      goals: [{ peer: outside, against: plain, ratio: 1.02 }]
    },
    operation('UDP round trip', 'udp', 0.98),
    operation('dns.resolve4 of a local server', 'resolve4', 0.8),
    {
      ...operation('run, against AsyncLocalStorage.run', 'run', 1),
      size: 10_000,
      goals: [{ peer: inside, against: plain, over: 1 }]
    }
  ],
  setup: () => NetNs.createSync({ name: 'bench' }).close(),
  teardown: () => NetNs.deleteSync('bench')
}
