/** Node itself in two other networks at once, from one process. */

import { promises as dns } from 'node:dns'
import { once } from 'node:events'
import http from 'node:http'
import { promisify } from 'node:util'
import { NetNs } from 'node-netns'
import type { Tour } from './tour.ts'

/** The same program in each namespace: a server on port 80, asked by `fetch`, a name looked up, a child. */
export async function serveTwice(tour: Tour): Promise<void> {
  const red = await NetNs.create()
  const blue = await NetNs.create()
  tour.onEnd(() => red.close())
  tour.onEnd(() => blue.close())
  const [inRed, inBlue] = await Promise.all([red.run(ask, 'red'), blue.run(ask, 'blue')])
  tour.say('red.run(…) and blue.run(…), at once: an HTTP server on port 80 in each, and fetch:')
  tour.check(inRed.answer === 'hello from red', `http://localhost/ in red answered '${inRed.answer}'`)
  tour.check(inBlue.answer === 'hello from blue', `http://localhost/ in blue answered '${inBlue.answer}'`)
  tour.say(`dns.lookup('localhost') in red gave ${inRed.address}, asked of no server at home.`)
  tour.check(inRed.child === red.id, "a child that was started in red's context was in red")
  const home = await fetch('http://127.0.0.1/', { signal: AbortSignal.timeout(2000) }).catch(() => undefined)
  tour.check(!(await home?.text())?.startsWith('hello from'), 'home reaches neither of the servers')

  async function ask(colour: string) {
    const server = http.createServer((_request, response) => response.end(`hello from ${colour}`)).listen(80)
    tour.onEnd(() => server.closeAllConnections())
    tour.onEnd(() => server.close())
    await once(server, 'listening')
    const answer = await (await fetch('http://localhost/')).text()
    const { address } = await dns.lookup('localhost')
    const { execFile } = await import('node:child_process')
    const { stdout } = await promisify(execFile)('readlink', ['/proc/self/ns/net'])
    return { answer, address, child: stdout.trim() }
  }
}

/** Node's modules, bound: no context to think of. */
export async function bindModules(tour: Tour): Promise<void> {
  using green = await NetNs.create()
  const server = green.net.createServer((socket) => socket.end('one call at a time'))
  server.listen(7, '127.0.0.1')
  await once(server, 'listening')
  const socket = green.net.connect(7, '127.0.0.1')
  const [word] = await once(socket, 'data')
  socket.destroy()
  server.close()
  tour.check(String(word) === 'one call at a time', 'green.net.connect reached green.net.createServer')
}
