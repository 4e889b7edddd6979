/** A Worker that was started in a context: everything in it is inside, in what it imports by name and below it too. */
import { execFileSync } from 'node:child_process'
import dns, { lookup } from 'node:dns'
import { lookup as promised } from 'node:dns/promises'
import { once } from 'node:events'
import net from 'node:net'
import { parentPort, Worker, workerData } from 'node:worker_threads'

const { port, depth } = workerData

const socket = net.connect(port, 'server.test')
let named = ''
for await (const chunk of socket) named += chunk

const address = await new Promise((resolve) => lookup('server.test', (error, found) => resolve(error?.code ?? found)))
const refused = await fetch('http://server.test:81/').catch((error) => error.cause)
let nested = null
if (depth > 0) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port, depth: depth - 1 } })
  nested = (await once(worker, 'message'))[0]
}
if (dns.lookup !== lookup) throw new Error('imports by name are not hooked')
parentPort.postMessage({
  // Without privileges the thread itself stays at home.
  place: String(execFileSync('readlink', ['/proc/self/ns/net'])).trim(),
  named,
  address,
  promised: (await promised('server.test')).address,
  fetched: refused.code,
  nested
})
