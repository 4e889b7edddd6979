/** A listener that throws. */
import { NetNs } from 'node-netns'

process.on('uncaughtException', (error) => console.log(`uncaught: ${error.message}`))
const child = NetNs.createSync().command('true').spawn()
child.on('exit', () => {
  throw new Error('mine')
})
