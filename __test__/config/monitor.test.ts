/** What a monitor tells of. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { NetNs, type NetworkEvent, type Route } from 'node-netns'
import { expect, test } from 'vitest'
import { ip, pair } from './wire.ts'

/** `RT_TABLE_MAIN`. */
const MAIN = 254

async function until(
  events: AsyncIterable<NetworkEvent>,
  done: (event: NetworkEvent) => boolean
): Promise<NetworkEvent[]> {
  const seen: NetworkEvent[] = []
  for await (const event of events) {
    seen.push(event)
    if (done(event)) break
  }
  return seen
}

test('changes by iproute2 are told in order', async () => {
  using ns = NetNs.createSync()
  const events = ns.monitor()
  // What others change while the state is first read counts as before; changes of ours wait until that is over.
  await ns.links.set('lo', { alias: 'read' })
  ip(ns, 'link', 'add', 'br0', 'type', 'bridge')
  ip(ns, 'link', 'set', 'br0', 'up')
  ip(ns, 'address', 'add', '10.0.0.1/24', 'dev', 'br0')
  ip(ns, 'route', 'add', '10.5.0.0/16', 'via', '10.0.0.9')
  ip(ns, 'rule', 'add', 'priority', '7', 'table', '9')
  ip(ns, 'route', 'delete', '10.5.0.0/16')
  ip(ns, 'link', 'delete', 'br0')
  const seen = await until(events, ({ type, group }) => type === 'delete' && group === 'link')
  const own = seen.filter(({ group, value }) => {
    if (group === 'link') return value.name === 'br0'
    return group !== 'route' || value.to === '10.5.0.0/16'
  })
  const said = own.map(({ type, group }) => `${type} ${group}`)
  for (const words of ['add link', 'change link', 'add address', 'add route', 'add rule', 'delete route']) {
    expect(said).toContain(words)
  }
  expect(said.indexOf('add link')).toBeLessThan(said.indexOf('add address'))
  expect(said.indexOf('add route')).toBeLessThan(said.indexOf('delete route'))
  expect(seen.find(({ group }) => group === 'address')?.value).toMatchObject({ dev: 'br0', address: '10.0.0.1/24' })
})

test.each([
  ['a small buffer, which overflows', 4096],
  ['a large one', 8 << 20]
])('ten thousand routes come and go without loss or repetition, with %s', async (_, buffer) => {
  using wire = await pair()
  const events = wire.left.monitor({ groups: ['route'], buffer })
  const routes = Array.from({ length: 10_000 }, (_, i) => ({
    to: `10.${100 + (i >> 8)}.${i & 255}.0/24`,
    via: '10.0.0.2'
  }))
  const known = new Set<string>()
  const follow = async (type: 'add' | 'delete', count: number) => {
    for (let seen = 0; seen < count; ) {
      const { value: event } = await events.next()
      if (event?.group !== 'route' || event.value.protocol !== 'static') continue
      // An `expect` of each would take longer than all else.
      if (event.type !== type || known.has(event.value.to) !== (type === 'delete'))
        expect.unreachable(`${event.type} ${event.value.to} amid ${type}`)
      if (type === 'add') known.add(event.value.to)
      else known.delete(event.value.to)
      seen++
    }
  }
  expect((await wire.left.routes.add(routes)).done).toBe(10_000)
  await follow('add', 10_000)
  expect(known.size).toBe(10_000)
  expect((await wire.left.routes.delete(routes)).done).toBe(10_000)
  await follow('delete', 10_000)
  expect(known.size).toBe(0)
  await events.return?.()
})

test('a loop over events that wait already leaves the event loop free', async () => {
  using wire = await pair()
  const events = wire.left.monitor({ groups: ['route'] })
  const routes = Array.from({ length: 5000 }, (_, i) => ({
    to: `10.${100 + (i >> 8)}.${i & 255}.0/24`,
    via: '10.0.0.2'
  }))
  await wire.left.routes.add(routes)
  let [turn, most, going] = [0, 0, true]
  const look = () => {
    turn = 0
    if (going) setImmediate(look)
  }
  setImmediate(look)
  for (let seen = 0; seen < routes.length; seen++) {
    await events.next()
    most = Math.max(most, ++turn)
  }
  going = false
  await events.return?.()
  // Over a thousand are read from the kernel at once; a slice has no time for so many.
  expect(most).toBeLessThan(800)
})

test('routes that the kernel drops without a word are told of', async () => {
  using wire = await pair()
  await wire.left.routes.add({ to: '10.5.0.0/16', via: '10.0.0.2' })
  const events = wire.left.monitor({ groups: ['route'] })
  // As above, so that the route is known before the link goes down.
  await wire.left.links.set('eth0', { alias: 'read' })
  ip(wire.left, 'link', 'set', 'eth0', 'down')
  const seen = await until(events, ({ value }) => 'to' in value && value.to === '10.5.0.0/16')
  expect(seen.at(-1)?.type).toBe('delete')
})

test.each([
  ['as the kernel tells', 4 << 20, 0],
  ['after an overflow, which hides it', 2048, 3000]
])('what goes by the name of a link is told of when that gets another, %s', async (_, buffer, between) => {
  using wire = await pair()
  await wire.left.routes.add([
    { to: '10.5.0.0/16', via: '10.0.0.2' },
    { to: '10.6.0.0/16', nexthops: [{ via: '10.0.0.2' }, { via: '10.0.0.3' }] },
    { to: '10.7.0.0/16', type: 'blackhole' }
  ])
  const known = new Map((await wire.left.routes.list({ family: 4 })).map((route) => [keyOf(route), route]))
  const events = wire.left.monitor({ groups: ['route'], buffer })
  // As above, so that the routes are known before the link is renamed.
  await wire.left.links.set('eth0', { alias: 'read' })
  const more = Array.from({ length: between }, (_, i) => ({
    to: `10.${100 + (i >> 8)}.${i & 255}.0/24`,
    via: '10.0.0.2'
  }))
  expect((await wire.left.routes.add(more)).failed).toEqual([])
  ip(wire.left, 'link', 'set', 'eth0', 'name', 'other')
  ip(wire.left, 'route', 'add', '10.8.0.0/16', 'via', '10.0.0.2')
  const now = (await wire.left.routes.list({ family: 4 })).map(keyOf)
  const renamed: string[] = []
  while (!now.every((key) => known.has(key)) || !renamed.includes('unicast 10.6.0.0/16')) {
    const { value: event } = await events.next()
    if (event?.group !== 'route' || event.value.family !== 4 || event.value.table !== MAIN) continue
    const key = keyOf(event.value)
    expect(event.type).toBe(known.has(key) ? 'change' : 'add')
    if (event.type === 'change') renamed.push(key)
    known.set(key, event.value)
  }
  await events.return?.()
  // Each of them once.
  expect(new Set(renamed).size).toBe(renamed.length)
  expect(renamed).toContain('unicast 10.5.0.0/16')
  expect(renamed).not.toContain('blackhole 10.7.0.0/16')
  for (const route of known.values())
    expect(route.dev).toBe(route.type === 'blackhole' || route.nexthops ? undefined : 'other')
})

function keyOf({ to, type }: Route): string {
  return `${type} ${to}`
}

test('whoever is slow to ask while much changes and little is held for them ends up with what there is', async () => {
  using wire = await pair()
  const { left } = wire
  const known = new Map((await left.routes.list({ family: 4 })).map((route) => [keyOf(route), route]))
  const events = left.monitor({ groups: ['route'], buffer: 2048 })
  const all = Array.from({ length: 2000 }, (_, i) => ({ to: `10.${100 + (i >> 8)}.${i & 255}.0/24`, via: '10.0.0.2' }))
  const half = all.filter((_, i) => i % 2 === 0)
  const rest = all.filter((_, i) => i % 2 === 1)
  let wanted: Map<string, Route> | undefined
  /** Where what is known is not what there is. */
  const different = new Set<string>()
  const compare = (key: string) => {
    if (isDeepStrictEqual(known.get(key), wanted?.get(key))) different.delete(key)
    else different.add(key)
  }
  const change = async () => {
    for (let round = 0; round < 3; round++) {
      await left.routes.add(all)
      await left.routes.replace(rest.map((route) => ({ ...route, mtu: 1300 + round })))
      await left.routes.delete(half)
      if (round < 2) await left.routes.delete(rest)
    }
    wanted = new Map((await left.routes.list({ family: 4 })).map((route) => [keyOf(route), route]))
    for (const key of [...known.keys(), ...wanted.keys()]) compare(key)
    // Something is told when all the rest was, or with it.
    await left.routes.add({ to: '10.99.0.0/16', via: '10.0.0.2' })
  }
  const changed = change()
  while (wanted === undefined || different.size > 0) {
    const { value: event } = await events.next()
    if (event?.group !== 'route' || event.value.family !== 4 || event.value.table !== MAIN) continue
    if (event.value.to === '10.99.0.0/16') continue
    const key = keyOf(event.value)
    const before = known.get(key)
    const isNew = before === undefined
    if ((event.type === 'add') !== isNew || (event.type === 'change' && isDeepStrictEqual(event.value, before)))
      expect.unreachable(`${event.type} ${key}, ${isNew ? 'not known' : 'known'} before`)
    if (event.type === 'delete') known.delete(key)
    else known.set(key, event.value)
    compare(key)
    // Slower than the changes, at first: many of them are missed.
    if (wanted === undefined) await nextTurn()
  }
  expect(known).toEqual(wanted)
  expect(known.size).toBeGreaterThan(rest.length)
  await changed
  await events.return?.()
})
