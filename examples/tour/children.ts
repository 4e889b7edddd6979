/** Programs inside, by both roads. */
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { text } from 'node:stream/consumers'
import { NetNs } from 'node-netns'
import type { Tour } from './tour.ts'

/** A child by each road, with its time, and one that may do nothing. */
export async function startPrograms(tour: Tour): Promise<void> {
  await using ns = await NetNs.create()
  const where = ['/proc/self/ns/net']

  let start = performance.now()
  const child = ns.spawn('readlink', where, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')])
  tour.check(said.trim() === ns.id, `ns.spawn, Node's own road: a program inside, in ${since(start)}`)

  start = performance.now()
  const { stdout } = await ns.command('readlink', where).output()
  tour.check(stdout.toString().trim() === ns.id, `ns.command, the native road: the same, in ${since(start)}`)

  const status = await ns.command('grep', ['CapEff', '/proc/self/status'], { capabilities: [] }).output()
  tour.check(
    /\t0+\n$/.test(status.stdout.toString()),
    'with capabilities: [] a program has none, and can reach nothing'
  )
}

function since(start: number): string {
  return `${(performance.now() - start).toFixed(1)} ms`
}
