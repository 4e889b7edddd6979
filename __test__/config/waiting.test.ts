/** What was asked of a namespace that is closed before it can be sent reaches no other one. */
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'

const closed = { code: 'ERR_NETNS_CLOSED' }

/** While a monitor finds out how the namespace is, changes to it wait. */
async function held(asked: (red: NetNs, blue: NetNs) => Promise<unknown>, close: 'red' | 'blue'): Promise<string[]> {
  const namespaces = { red: NetNs.createSync(), blue: NetNs.createSync() }
  const { red, blue } = namespaces
  // By a handle of its own, as one that is closed ends what it was asked for.
  using watched = NetNs.fromFd(red.fd)
  await red.links.add({ kind: 'bridge', name: 'br0' })
  const events = watched.monitor({ groups: ['link'] })
  const waiting = asked(red, blue)
  namespaces[close].close()
  // Native code knows it by the number that the closed one had.
  using next = NetNs.createSync()
  await expect(waiting).rejects.toMatchObject(closed)
  await events.return?.()
  red.close()
  blue.close()
  return next.links.listSync().map(({ name }) => name)
}

const veth = (blue: NetNs) => ({ kind: 'veth' as const, name: 'a', peer: { name: 'b', netns: blue } })

test("a veth's other end is in no other namespace than its own", async () => {
  expect(await held((red, blue) => red.links.add(veth(blue)), 'blue')).toEqual(['lo'])
})

test('a veth is made in no other namespace than the one that was asked', async () => {
  expect(await held((red, blue) => red.links.add(veth(blue)), 'red')).toEqual(['lo'])
})

test('a link is moved to no other namespace', async () => {
  const move = async (red: NetNs, blue: NetNs) => red.links.move('br0', blue)
  expect(await held(move, 'blue')).toEqual(['lo'])
})

test('an id is given to no other namespace', async () => {
  await held((red, blue) => red.setNsid(blue, 7), 'blue')
})
