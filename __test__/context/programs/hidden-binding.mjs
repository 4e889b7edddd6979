/** On a Node whose `child_process` would not call what it shows: says of each child that is waited for whether it is inside. */
import { execFileSync, execSync, spawnSync } from 'node:child_process'
import { NetNs } from 'node-netns'

const { binding } = process
process.binding = (name) => (name === 'spawn_sync' ? { ...binding.call(process, name) } : binding.call(process, name))
const red = await NetNs.create()
const READ = ['readlink', ['/proc/self/ns/net']]
const isInside = (said) => String(said).trim() === red.id
red.run(() => {
  const said = [spawnSync(...READ).stdout, execFileSync(...READ), execSync('readlink /proc/self/ns/net')]
  console.log(...said.map(isInside))
})
