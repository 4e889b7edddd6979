/** As another user than it was started by, so that it may not be looked into: says of each child whether it is inside. */
import { execFileSync, execSync, spawn, spawnSync } from 'node:child_process'

const id = Number(process.argv[2])
process.setgroups([])
process.setgid(id)
process.setuid(id)
const { NetNs } = await import('node-netns')
const red = await NetNs.create()
const READ = ['readlink', ['/proc/self/ns/net']]
const isInside = (said) => String(said).trim() === red.id
await red.run(async () => {
  let said = ''
  for await (const chunk of spawn(...READ).stdout) said += chunk
  const others = [spawnSync(...READ).stdout, execFileSync(...READ), execSync('readlink /proc/self/ns/net')]
  console.log(...[said, ...others].map(isInside))
})
