/** Tests of node:test's that are written down in namespaces, and each look whether they run there. */
import assert from 'node:assert/strict'
import test, { after, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { NetNs } from 'node-netns'

const [red, blue] = [NetNs.createSync(), NetNs.createSync()]
const inside = (namespace) => async () => {
  assert.ok(NetNs.current().equals(namespace))
  await sleep(1)
  assert.ok(NetNs.current().equals(namespace))
}

red.run(() => {
  test('one', async (t) => {
    t.after(inside(red))
    await inside(red)()
    await t.test('within it', inside(red))
  })
  describe('some', () => {
    before(inside(red))
    beforeEach(() => {})
    it('there', inside(red))
    blue.run(() => it('elsewhere', inside(blue)))
    after(inside(red))
  })
})
