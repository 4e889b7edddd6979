/** Starting `/bin/true`, by this library and by Node. The argument: gigabytes that this process has in use. */
import { spawn } from 'node:child_process'
import { NetNs } from 'node-netns'
import { serve } from './serve.mjs'

const used = Array.from({ length: Number(process.argv[2] ?? 0) * 16 }, () => Buffer.alloc(64 * 2 ** 20, 1))
const quiet = { stdio: 'ignore' }
const program = '/bin/true'

/** A handle of the namespace without its name, and so without `/etc/netns` and `/sys`. */
const inside = () => NetNs.fromPath('/run/netns/bench')
const exited = (child) => new Promise((resolve, reject) => child.on('exit', resolve).on('error', reject))
const node = (file, ...args) => exited(spawn(file, args, quiet))

const roads = {
  command() {
    const command = inside().command(program, [], quiet)
    return () => command.status()
  },
  'command-spawn'() {
    const command = inside().command(program, [], quiet)
    return () => exited(command.spawn())
  },
  'command-mounts'() {
    const command = NetNs.fromName('bench').command(program, [], quiet)
    return () => command.status()
  },
  'command-capabilities'() {
    const command = inside().command(program, [], { ...quiet, capabilities: [] })
    return () => command.status()
  },
  'ns-spawn'() {
    const ns = inside()
    return () => exited(ns.spawn(program, quiet))
  },
  node: () => () => node(program),
  // What Node itself takes once everything that contexts need is loaded.
  'node-hooked'() {
    inside().run(() => {})
    return () => node(program)
  },
  nsenter: () => () => node('nsenter', '--net=/run/netns/bench', program),
  'ip-netns-exec': () => () => node('ip', 'netns', 'exec', 'bench', program)
}

const many = (road) => () => {
  const start = road()
  return () => Promise.all(Array.from({ length: 16 }, start))
}

/** How long the event loop stands still for one start. The child's own time, on however many processors, is its own. */
const starting = (start) => {
  let child
  return {
    many() {
      child = start()
    },
    after: () => exited(child)
  }
}

serve({
  ...roads,
  ...Object.fromEntries(Object.entries(roads).map(([name, road]) => [`${name}-16`, many(road)])),
  'command-start'() {
    const command = inside().command(program, [], quiet)
    return starting(() => command.spawn())
  },
  'node-start': () => starting(() => spawn(program, quiet))
})

// What is in use must stay so.
process.on('exit', () => used.length)
