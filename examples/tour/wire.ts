/** The tour's step that connects two namespaces. */
import { NetNs } from 'node-netns'
import type { Tour } from './tour.ts'

/** A veth between two namespaces, and a request across it. */
export async function wire(tour: Tour): Promise<void> {
  const [left, right] = [await NetNs.create(), await NetNs.create()]
  tour.onEnd(() => {
    left.close()
    right.close()
  })
  const start = performance.now()
  await left.links.add({
    kind: 'veth',
    name: 'eth0',
    up: true,
    addresses: ['10.0.0.1/24'],
    peer: { name: 'eth0', netns: right, up: true, addresses: ['10.0.0.2/24'] }
  })
  tour.say(`A veth pair with its addresses took ${(performance.now() - start).toFixed(2)} ms.`)
  const server = right.http.createServer((request, response) => response.end(request.socket.remoteAddress))
  await new Promise<void>((resolve) => server.listen(80, '10.0.0.2', resolve))
  const response = await left.fetch('http://10.0.0.2/', { headers: { connection: 'close' } })
  const seen = await response.text()
  await new Promise((resolve) => server.close(resolve))
  tour.check(seen === '10.0.0.1', `a server at the other end was asked by ${seen}, across the wire`)
}
