/** Who a test can be. Root's machine has every user; an ordinary user's namespace those of /etc/subuid, or one alone. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Ranges of users, and of groups, each as its first and how many there are. */
const maps = ['uid', 'gid'].map((kind) => {
  const lines = readFileSync(`/proc/self/${kind}_map`, 'utf8').trim().split('\n')
  return lines.map((line) => line.trim().split(/\s+/).map(Number)).map(([first, , count]) => ({ first, count }))
})

/** Whether this user namespace has a user and a group of this number. */
export function exists(id) {
  return maps.every((ranges) => ranges.some(({ first, count }) => id >= first && id < first + count))
}

/** The number of a user and a group other than root, or undefined where there is nobody else to be. */
export const other = [65_534, 1].find(exists)

const asOther = ['setpriv', '--reuid', `${other}`, '--regid', `${other}`, '--clear-groups']

let reads

/**
 * Whether that user may run this Node and use the built package: the home directory that they are in may forbid it. Asked
 * of a program, when it is first wanted to be known.
 */
export function otherReads() {
  reads ??= other !== undefined && imports(asOther)
  return reads
}

/** What to run for a program without any capability: as somebody else, where there is somebody else to be. */
export function unprivileged() {
  return otherReads() ? asOther : ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
}

function imports([file, ...args]) {
  const script = ['--input-type=module', '-e', "import 'node-netns'"]
  return (
    spawnSync(file, [...args, process.execPath, ...script], { cwd: new URL('../..', import.meta.url) }).status === 0
  )
}
