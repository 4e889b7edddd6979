/** Listeners that throw; with an argument, of a child that ended before anybody listened. */
import { existsSync } from 'node:fs'
import { NetNs } from 'node-netns'

process.on('uncaughtException', (error) => console.log(`uncaught: ${error.message}`))
const child = NetNs.createSync().command('true').spawn()
if (process.argv[2] !== undefined) while (existsSync(`/proc/${child.pid}`));
for (const name of ['spawn', 'exit']) {
  child.on(name, () => {
    throw new Error(name)
  })
}
