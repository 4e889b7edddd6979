/**
 * A slow and lossy link, and a request across it: by netem where the kernel has it, else by tbf, which makes it narrow.
 * `node --import tsx examples/lossy-link.ts`
 */
import { NetNs } from 'node-netns'

const [near, far] = await Promise.all([NetNs.create(), NetNs.create()])
await near.links.add({
  kind: 'veth',
  name: 'eth0',
  up: true,
  addresses: ['10.0.0.1/24'],
  peer: { name: 'eth0', netns: far, up: true, addresses: ['10.0.0.2/24'] }
})

const body = Buffer.alloc(64 * 1024, 'x')
const server = far.http.createServer((_request, response) => response.end(body))
await new Promise<void>((resolve) => server.listen(80, '10.0.0.2', resolve))

async function ask(): Promise<string> {
  const start = performance.now()
  const response = await near.fetch('http://10.0.0.2/', { headers: { connection: 'close' } })
  const { length } = await response.text()
  return `${length} bytes in ${(performance.now() - start).toFixed(0)} ms`
}

await ask()
console.log(`as it is: ${await ask()}`)
try {
  await far.qdisc.replace({ dev: 'eth0', kind: 'netem', delay: 40, jitter: 5, loss: 2 })
  console.log(`with 40 ms of delay and 2 % of loss: ${await ask()}`)
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  await far.qdisc.replace({ dev: 'eth0', kind: 'tbf', rate: 2_000_000, burst: 5000, latency: 10 })
  console.log(`without netem here, so at 2 Mbit/s, dropping what waits for over 10 ms: ${await ask()}`)
}

await new Promise((resolve) => server.close(resolve))
await near.links.delete('eth0')
for (const ns of [near, far]) ns.close()
