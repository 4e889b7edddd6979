/** A listener that throws. */
import { NetNs } from '../../index.ts'

process.on('uncaughtException', (error) => console.log(`uncaught: ${error.message}`))
const child = NetNs.createSync().command('true').spawn()
child.on('exit', () => {
  throw new Error('mine')
})
