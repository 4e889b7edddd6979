/** A program that knows nothing of namespaces. */
import { execFileSync } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import http, { createServer } from 'node:http'

const server = createServer((_, response) => response.end('reached')).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address()
const [response] = await once(http.get({ port, host: '127.0.0.1' }), 'response')
let net = ''
for await (const chunk of response) net += chunk
const fetched = await (await fetch(`http://127.0.0.1:${port}/`)).text()
const { address } = await lookup('localhost', { family: 4 })
const child = String(execFileSync('readlink', ['/proc/self/ns/net'])).trim()
console.log(JSON.stringify({ net, fetch: fetched, lookup: address, child }))
server.closeAllConnections()
server.close()
http.globalAgent.destroy()
