/** Listeners that throw. */
import { NetNs } from 'node-netns'

process.on('uncaughtException', (error) => console.log(`uncaught: ${error.message}`))
const child = NetNs.createSync().command('true').spawn()
for (const name of ['spawn', 'exit']) {
  child.on(name, () => {
    throw new Error(name)
  })
}
