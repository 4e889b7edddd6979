/** What scenarios of HTTP share. */
import http from 'node:http'
import https from 'node:https'
import { cert } from './certificate.mjs'
import { first, later, listen, told } from './kit.mjs'

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

/** A new agent, which is destroyed when the scenario is over. */
export function agent(options, Agent = http.Agent) {
  const made = new Agent(options)
  later(() => made.destroy())
  return made
}
