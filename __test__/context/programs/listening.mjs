/** A forked child that hears its parent in a context, and says whether it did. */
import { NetNs } from 'node-netns'

const red = NetNs.createSync()
red.run(() => {
  process.once('message', () => {
    process.send(NetNs.current().id === red.id)
    process.disconnect()
  })
})
process.send('listening')
