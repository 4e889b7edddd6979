/** Says where connections are told of that are given up elsewhere, where Node's handles do not tell in which context they are. */
import net from 'node:net'
import { NetNs } from 'node-netns'

const { TCP } = process.binding('tcp_wrap')
for (let found = TCP.prototype; found !== null; found = Object.getPrototypeOf(found)) {
  delete found.getAsyncContextFrameForDebuggingOnly
}

const [red, blue] = [NetNs.createSync(), NetNs.createSync()]
const outside = { run: (fn) => fn() }
const told = []
for (const [place, elsewhere] of [
  [red, outside],
  [outside, blue]
]) {
  const where = place.run(() => {
    const socket = net.connect({ host: 'x.test', port: 80, lookup() {} })
    elsewhere.run(() => setImmediate(() => socket.destroy(new Error('given up'))))
    return new Promise((resolve) => socket.on('error', () => resolve(NetNs.current())))
  })
  const found = await where
  told.push(found.equals(red) ? 'red' : found.equals(blue) ? 'blue' : 'outside')
}
console.log(JSON.stringify(told))
