/** A bridge with four leaves, and a request from each to the first. `node --import tsx examples/bridge.ts` */
import { NetNs } from 'node-netns'

const hub = await NetNs.create()
await hub.links.add({ kind: 'bridge', name: 'br0', up: true })

const leaves = await Promise.all(Array.from({ length: 4 }, () => NetNs.create()))
for (const [i, leaf] of leaves.entries()) {
  await leaf.links.add({
    kind: 'veth',
    name: 'eth0',
    up: true,
    addresses: [`10.0.0.${i + 1}/24`],
    peer: { name: `port${i}`, netns: hub, up: true }
  })
  await hub.links.set(`port${i}`, { master: 'br0' })
}
await Promise.all(leaves.map((leaf) => leaf.waitReady()))

const [first, ...others] = leaves as [NetNs, ...NetNs[]]
const server = first.http.createServer((request, response) => response.end(`hello, ${request.socket.remoteAddress}`))
await new Promise<void>((resolve) => server.listen(80, '10.0.0.1', resolve))

for (const leaf of others) {
  const response = await leaf.fetch('http://10.0.0.1/', { headers: { connection: 'close' } })
  console.log(await response.text())
}

// The bridge has learnt behind which port each leaf is.
const learnt = (await hub.neighbours.list({ fdb: true })).filter(({ state }) => state === 'reachable')
console.log(`the bridge knows ${new Set(learnt.map(({ dev }) => dev)).size} ports by now`)

await new Promise((resolve) => server.close(resolve))
for (const leaf of leaves) await leaf.links.delete('eth0')
for (const ns of [hub, ...leaves]) ns.close()
