/** A process with nothing to do but a child. */
import { NetNs } from 'node-netns'

const wanted = process.argv.at(-1) === 'ref'
const child = NetNs.createSync()
  .command('sleep', [wanted ? '0.2' : '1000'], { stdio: 'ignore' })
  .spawn()
if (wanted) {
  child.on('exit', () => console.log('child ended'))
} else {
  console.log(child.pid)
  child.unref()
}
