/** Has listeners of its own end put on in a namespace, and at home: says where each asks, and where it belongs. */
import { execFileSync } from 'node:child_process'
import { NetNs } from 'node-netns'

const red = await NetNs.create()
const where = () => String(execFileSync('readlink', ['/proc/self/ns/net'])).trim()
const home = where()

for (const event of ['beforeExit', 'exit']) {
  const say = (expected) => () => console.log(event, where() === expected)
  red.run(() => process.once(event, say(red.id)))
  process.once(event, say(home))
  const removed = () => console.log(event, 'was removed')
  red.run(() => process.on(event, removed))
  process.off(event, removed)
}
// The second is asked to end from within a context.
process.once('beforeExit', () => red.run(() => process.exit()))
