/** This library's configuration calls, as built, and how long each of them keeps the event loop from all else. */
import { open } from 'node:fs/promises'
import { NetNs } from 'node-netns'
import { serve } from './serve.mjs'
import { longestWait } from './waiting.mjs'
import { mostWork } from './working.mjs'

const COUNT = 10_000
const ADDRESSES = 2000
const LINKS = 1000
/** So many random bytes take the kernel about a quarter of a millisecond, as a datagram of our requests does. */
const TURN = 96 * 1024
/** About as many as 10,000 routes take. */
const TURNS = 200

const routes = Array.from({ length: COUNT }, (_, i) => ({
  to: `10.${100 + (i >> 8)}.${i & 255}.0/24`,
  via: '10.0.0.2',
  dev: 'a'
}))
const addresses = Array.from({ length: ADDRESSES }, (_, i) => ({ dev: 'a', address: `10.9.${i >> 8}.${i & 255}/32` }))

function veth(right) {
  const peer = { name: 'b', netns: right, up: true, addresses: ['10.0.0.2/24'] }
  return { kind: 'veth', name: 'a', up: true, addresses: ['10.0.0.1/24'], peer }
}

/** Two namespaces with a wire between them, made when they are first needed. */
let wired
async function pair() {
  if (wired === undefined) {
    wired = { left: NetNs.createSync(), right: NetNs.createSync() }
    await wired.left.links.add(veth(wired.right))
  }
  return wired.left
}

let crowded
async function crowd() {
  if (crowded === undefined) {
    crowded = NetNs.createSync()
    for (let i = 0; i < LINKS; i++) await crowded.links.add({ kind: 'tap', name: `t${i}` })
  }
  return crowded
}

/** The routes, all there or none. */
async function fill(wanted) {
  const ns = await pair()
  const found = await ns.routes.list({ to: routes[0].to })
  if (found.length > 0 && !wanted) await ns.routes.delete(routes)
  if (found.length === 0 && wanted) await ns.routes.add(routes)
  return ns
}

let addressed
async function fillAddresses(wanted) {
  if (addressed === undefined) {
    addressed = NetNs.createSync()
    await addressed.links.add({ kind: 'tap', name: 'a' })
  }
  const there = (await addressed.addresses.list({ dev: 'a', family: 4 })).length > 0
  if (there && !wanted) await addressed.addresses.delete(addresses)
  if (!there && wanted) await addressed.addresses.add(addresses)
  return addressed
}

/** As the others, with the sockets made before. */
function timePair() {
  const [left, right] = [NetNs.createSync(), NetNs.createSync()]
  left.links.getSync('lo')
  right.links.getSync('lo')
  const start = process.hrtime.bigint()
  left.links.addSync(veth(right))
  const took = Number(process.hrtime.bigint() - start)
  left.close()
  right.close()
  return took
}

async function timePairAsync() {
  const [left, right] = [NetNs.createSync(), NetNs.createSync()]
  await Promise.all([left.links.get('lo'), right.links.get('lo')])
  const took = await time(() => left.links.add(veth(right)))
  left.close()
  right.close()
  return took
}

async function time(work) {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start)
}

/** Operations that are prepared by `before`, which does not count. */
const prepared = (measure) => (before, work) => () => ({
  async timed() {
    const ns = await before()
    return measure(() => work(ns))
  }
})
const timed = prepared(time)

async function changes(ns) {
  const events = ns.monitor({ groups: ['route'] })
  const adding = ns.routes.add(routes)
  let seen = 0
  for await (const { type } of events) if (type === 'add' && ++seen === COUNT) break
  await adding
}

/** What the loop is looked at during, with what makes it ready. */
const looked = {
  nothing: [() => undefined, () => new Promise((resolve) => setTimeout(resolve, 50))],
  // Without this library: what a thread beside the loop costs it on this machine, if it works in the kernel as ours do.
  pool: [
    () => open('/dev/urandom'),
    async (random) => {
      const bytes = Buffer.alloc(TURN)
      for (let turn = 0; turn < TURNS; turn++) await random.read(bytes, 0, TURN)
      await random.close()
    }
  ],
  'list-of-10,000-routes': [() => fill(true), (ns) => ns.routes.list()],
  'add-of-10,000-routes': [() => fill(false), (ns) => ns.routes.add(routes)],
  'delete-of-10,000-routes': [() => fill(true), (ns) => ns.routes.delete(routes)],
  'flush-of-10,000-routes': [() => fill(true), (ns) => ns.routes.flush({ dev: 'a', family: 4 })],
  'list-of-2,000-addresses': [() => fillAddresses(true), (ns) => ns.addresses.list()],
  'add-of-2,000-addresses': [() => fillAddresses(false), (ns) => ns.addresses.add(addresses)],
  'flush-of-2,000-addresses': [() => fillAddresses(true), (ns) => ns.addresses.flush({ dev: 'a', family: 4 })],
  'list-of-1,000-links': [crowd, (ns) => ns.links.list()],
  'monitor-of-10,000-changes': [() => fill(false), changes]
}

const waits = prepared(longestWait)
const works = prepared(mostWork)

await serve({
  pair: () => ({ timed: timePair }),
  'pair-async': () => ({ timed: timePairAsync }),
  bulk: timed(
    () => fill(false),
    (ns) => ns.routes.add(routes)
  ),
  list: timed(
    () => fill(true),
    (ns) => ns.routes.list({ family: 4 })
  ),
  ...Object.fromEntries(
    Object.entries(looked).flatMap(([name, args]) => [
      [`wait:${name}`, waits(...args)],
      [`work:${name}`, works(...args)]
    ])
  )
})
