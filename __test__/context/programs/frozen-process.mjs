/** Freezes `process` once there were contexts, and writes to what it looks at for the first time. */
import { NetNs } from 'node-netns'

NetNs.home().run(() => {})
Object.freeze(process)
const { stderr } = process
process.stdout.write(process.stderr === stderr ? 'there\n' : 'another each time\n')
