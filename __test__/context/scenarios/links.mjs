/** Interfaces that an address leaves open: newer versions of libuv choose one of those that the thread sees. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { listen, namespace } from '../../offline/kit.mjs'

/** From version 1.47 on, which Node 20 does not have. */
const chooses = Number.parseInt(process.versions.uv.split('.')[1], 10) >= 47

/** How a connection of the context's namespace to `fe80::5` ends: the text that is heard, or the code of the error. */
async function reached(port, options) {
  const socket = net.connect({ host: 'fe80::5', port, ...options })
  try {
    await once(socket, 'connect')
    return `${socket.localAddress} ${socket.remoteAddress}`
  } catch (error) {
    return error.code
  } finally {
    socket.destroy()
  }
}

export default {
  'a connection that names none is by the first of the namespace': async () => {
    const red = namespace()
    await red.links.add({ kind: 'veth', name: 'other', up: true, addresses: ['fe80::9/64'], peer: { name: 'far' } })
    await red.addresses.add({ dev: 'lo', address: 'fe80::5/64', noDad: true })
    await red.run(async () => {
      const port = await listen(net.createServer(), 0, '::')
      for (const options of [{}, { localPort: 6000 }, { localAddress: '::' }]) {
        const heard = await reached(port, options)
        assert.equal(heard, chooses ? 'fe80::5%lo fe80::5%lo' : 'EINVAL', JSON.stringify(options))
      }
    })
  }
}
