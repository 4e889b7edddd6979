/** Three hosts, each on a network of its own, and a router between them. `node --import tsx examples/router.ts` */
import { NetNs } from 'node-netns'

const router = await NetNs.create()
const hosts = await Promise.all(['one', 'two', 'three'].map(async (name) => ({ name, ns: await NetNs.create() })))

await router.sysctl.set('net.ipv4.ip_forward', 1)
for (const [i, { name, ns }] of hosts.entries()) {
  await ns.links.add({
    kind: 'veth',
    name: 'eth0',
    up: true,
    addresses: [`10.0.${i}.2/24`],
    peer: { name: `to-${name}`, netns: router, up: true, addresses: [`10.0.${i}.1/24`] }
  })
  await ns.routes.add({ to: 'default', via: `10.0.${i}.1` })
}

// Each host serves, and each asks the two others, through the router.
const servers = await Promise.all(
  hosts.map(async ({ name, ns }) => {
    const server = ns.http.createServer((request, response) => {
      response.end(`${name} was asked by ${request.socket.remoteAddress}`)
    })
    await new Promise<void>((resolve) => server.listen(80, '0.0.0.0', resolve))
    return server
  })
)

for (const [i, { name, ns }] of hosts.entries()) {
  for (const j of hosts.keys()) {
    if (i === j) continue
    const response = await ns.fetch(`http://10.0.${j}.2/`, { headers: { connection: 'close' } })
    console.log(`${name}: ${await response.text()}`)
  }
}

console.log('The router forwarded all of it.')
await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
for (const { ns } of hosts) await ns.links.delete('eth0')
for (const ns of [router, ...hosts.map((host) => host.ns)]) ns.close()
