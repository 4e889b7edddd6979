/** The tour's steps, in order. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { NetNs, probe } from 'node-netns'
import { startPrograms } from './children.ts'
import { bindModules, serveTwice } from './contexts.ts'
import type { Step, Tour } from './tour.ts'
import { wire } from './wire.ts'

const name = `tour-${process.pid}`
let red: NetNs | undefined

/** Each step and its title; later ones build on earlier ones. */
export const steps: [title: string, step: Step][] = [
  ['Look at home', lookAtHome],
  ['Make a namespace', make],
  ['Look inside', lookInside],
  ['Give a namespace a name', giveName],
  ['Share the name with ip netns', share],
  ['Delete the name', deleteName],
  ['Run Node in two networks at once', serveTwice],
  ["Use Node's modules, bound to a namespace", bindModules],
  ['Start programs inside', startPrograms],
  ['Put a wire between two namespaces', wire],
  ['Check that no thread left home', checkThreads]
]

async function lookAtHome(tour: Tour): Promise<void> {
  const { can } = await probe()
  if (!can.runSync.ok) throw new Error(`${can.runSync.why}. ${can.runSync.remedy}`)
  using home = NetNs.current()
  tour.say(`This process is in ${home}, with these interfaces:`)
  tour.say(interfaces())
}

async function make(tour: Tour): Promise<void> {
  red = await NetNs.create()
  tour.onEnd(() => red?.close())
  tour.say(`NetNs.create() made ${red}.`)
}

function lookInside(tour: Tour): void {
  const inside = made()
  tour.say('Inside, by runSync, there is a network of its own:')
  tour.say(inside.runSync(interfaces))
  tour.check(inside.runSync(thread) === inside.id, 'inside runSync this thread was in the new namespace')
}

function checkThreads(tour: Tour): void {
  using home = NetNs.home()
  tour.check(thread() === home.id, 'this thread is back home')
  const threads = readdirSync('/proc/self/task')
  const away = threads.filter((tid) => readlinkSync(`/proc/self/task/${tid}/ns/net`) !== home.id)
  tour.check(away.length === 0, `all ${threads.length} threads of the process are at home: none was left inside`)
}

async function giveName(tour: Tour): Promise<void> {
  tour.onEnd(() => {
    if (NetNs.listSync().some((entry) => entry.name === name)) NetNs.deleteSync(name)
  })
  using named = await NetNs.create({ name })
  tour.say(`NetNs.create({ name: '${name}' }) made ${named.id}.`)
  using again = NetNs.fromName(name)
  tour.check(again.equals(named), 'NetNs.fromName opens the same namespace')
}

function share(tour: Tour): void {
  const { error, stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  if (error !== undefined) {
    tour.say('iproute2 is not installed here; it would see the name, too.')
    return
  }
  const seen = stdout.split('\n').some((line) => line.split(' ')[0] === name)
  tour.check(seen, '`ip netns list` shows the name')
}

async function deleteName(tour: Tour): Promise<void> {
  await NetNs.delete(name)
  const left = await NetNs.list()
  tour.check(!left.some((entry) => entry.name === name), 'the name is gone')
}

function made(): NetNs {
  if (red === undefined) throw new Error('the namespace is made in an earlier step')
  return red
}

function thread(): string {
  return readlinkSync('/proc/thread-self/ns/net')
}

/** Each interface and its first address. Only those that are up are known to Node. */
function interfaces(): string {
  const known = Object.entries(networkInterfaces()).map(([label, addresses]) => `${label} ${addresses?.[0]?.address}`)
  return known.length === 0 ? 'none that is up' : known.join(', ')
}
