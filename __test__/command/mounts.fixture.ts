/** What children of named namespaces see. Runs in a mount namespace with an `/etc` of its own. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { NetNs } from '../../index.ts'

const name = `mounts-${process.pid}`
const directory = `/etc/netns/${name}`
mkdirSync(directory, { recursive: true })
const ns = NetNs.createSync({ name })
const read = async (path: string, options = {}) => {
  const { stdout } = await ns.command('cat', [path], options).output()
  return stdout.toString().trim()
}
const shell = async (script: string) => (await ns.command('sh', ['-c', script]).output()).stdout.toString().trim()

writeFileSync('/etc/plain', 'outside')
writeFileSync('/etc/elsewhere', 'outside')
symlinkSync('/etc/elsewhere', '/etc/link')
symlinkSync('/nowhere/at/all', '/etc/dangling')
writeFileSync('/etc/linked', 'outside')
mkdirSync('/etc/folder')
writeFileSync('/etc/folder/entry', 'outside')

for (const entry of ['plain', 'link', 'dangling']) writeFileSync(`${directory}/${entry}`, 'inside')
writeFileSync('/etc/netns/shared', 'inside')
symlinkSync('../shared', `${directory}/linked`)
mkdirSync(`${directory}/folder`)
writeFileSync(`${directory}/folder/entry`, 'inside')

const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
const seen: Record<string, unknown> = {
  file: await read('/etc/plain'),
  symlinkTarget: await read('/etc/link'),
  danglingTarget: await read('/etc/dangling'),
  linkedSource: await read('/etc/linked'),
  directory: await read('/etc/folder/entry'),
  others: (await read('/etc/passwd')) === readFileSync('/etc/passwd', 'utf8').trim(),
  outside: readFileSync('/etc/plain', 'utf8'),
  // The link was covered, not what it points to.
  elsewhere: await read('/etc/elsewhere'),
  links: await shell('ls /sys/class/net'),
  plainLinks: (await read('/sys/class/net/lo/ifindex', { sysfs: false })) !== '',
  marker: await read('/sys/kernel/debug/marker'),
  below: await read('/sys/kernel/debug/below/marker'),
  cgroups: (await shell('ls /sys/fs/cgroup')) === readdirSync('/sys/fs/cgroup').sort().join('\n'),
  off: await read('/etc/plain', { etc: false, sysfs: false }),
  mountsHere: readFileSync('/proc/self/mountinfo', 'utf8') === mounts
}

// What cannot be covered is told, not left out.
writeFileSync(`${directory}/missing`, 'inside')
const error = await ns
  .command('cat', ['/etc/plain'])
  .output()
  .catch((error: NodeJS.ErrnoException) => error)
const { code, syscall, path, message } = error as NodeJS.ErrnoException
Object.assign(seen, { missing: { code, syscall, path }, missingMessage: message })
seen['mountsAfterFailure'] = readFileSync('/proc/self/mountinfo', 'utf8') === mounts
unlinkSync(`${directory}/missing`)

// Without a name there is nothing to look up, and the mount namespace is this one.
const plain = NetNs.createSync()
const { stdout } = await plain.command('readlink', ['/proc/self/ns/mnt']).output()
seen['unnamed'] = stdout.toString().trim() === readlinkSync('/proc/self/ns/mnt') ? 'net:same' : 'net:other'

NetNs.deleteSync(name)
process.stdout.write(JSON.stringify(seen))
