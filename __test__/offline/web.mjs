/** What scenarios of HTTP share. */
import assert from 'node:assert/strict'
import http from 'node:http'
import https from 'node:https'
import { cert } from './certificate.mjs'
import { first, later, listen, namespace, told } from './kit.mjs'

/** What has a server answer everybody with `text`, on port 80 of the namespace where it is called. */
export const answering = (text) => () =>
  listen(
    http.createServer((_, response) => response.end(text)),
    80,
    '127.0.0.1'
  )

/** All that a server answers. */
export async function get(url, options = {}) {
  const { get } = String(url).startsWith('https') ? https : http
  const response = await first(get(url, { ca: cert, ...options }), 'response')
  return told(response)
}

/** How an agent that was used elsewhere first calls what it has of `127.0.0.1:80` in a namespace. */
export function nameIn(place) {
  const name = place.run(() => http.globalAgent.getName({ host: '127.0.0.1', port: 80 }))
  // The number may have been that of another one.
  assert.ok(name.startsWith(`127.0.0.1:80::${place.id}`))
  return name
}

/** A new agent, which is destroyed when the scenario is over. */
export function agent(options, Agent = http.Agent) {
  const made = new Agent(options)
  later(() => made.destroy())
  return made
}

/** A namespace in which nothing is heard of `192.0.2.1`, and another one, in which that says `blue`, but to `/wait`. */
export async function silentAndServing() {
  const [red, blue, nobody] = [namespace(), namespace(), namespace()]
  const peer = { name: 'peer0', netns: nobody, up: true }
  await red.links.add({ kind: 'veth', name: 'link0', up: true, addresses: ['192.0.2.9/24'], peer })
  // Otherwise the kernel says after three seconds that it does not know of any.
  await red.neighbours.add({ dev: 'link0', to: '192.0.2.1', mac: '02:00:00:00:00:09' })
  await blue.addresses.add({ dev: 'lo', address: '192.0.2.1/24' })
  const server = http.createServer((request, response) => request.url === '/wait' || response.end('blue'))
  await blue.run(() => listen(server, 80, '192.0.2.1'))
  return { red, blue }
}
