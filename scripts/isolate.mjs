/** Runs a script again in namespaces of its own, so that it can neither see nor soil the machine, and ends without a trace. */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fail, root } from './prepare.mjs'

const MARK = 'NETNS_ISOLATED'

/** Whether this process is already in namespaces that a parent made for it. */
export const isolated = process.env[MARK] === '1'

/** Whether this process lacks root's power over namespaces. */
export const ordinary = process.geteuid() !== 0

/** What an ordinary user needs besides: all users that may be mapped, or at least this one. */
const USERS = [
  ['--user', '--map-root-user', '--map-auto'],
  ['--user', '--map-root-user']
]

/** Whatever is in a process namespace ends with its first process. There is none where `/proc` cannot be mounted. */
const PROCESSES = ['--pid', '--fork', '--kill-child']

/**
 * A `/run`, an `/etc` and a temporary directory that go with the mount namespace. The shell stays, as a first process has
 * to reap what others leave.
 */
const SCRIPT = `
mount -t tmpfs -o mode=755 netns /run
mkdir -m 1777 /run/tmp
mkdir /run/etc
cp -a /etc/. /run/etc 2>/run/unreadable || :
rm -rf /run/etc/netns
mount --bind /run/etc /etc
"$@" || exit $?`

/**
 * Runs `argv` under Node in process, mount and network namespaces of its own, with an empty `/run`; an ordinary user gets
 * a user namespace too. On Ctrl-C and the like all of it is gone before this resolves with the exit code.
 *
 * @param network - false for the caller's own network, where the caller is root
 */
export async function isolate(argv, { network = true } = {}) {
  const flags = possible(network ? ['--net'] : [])
  if (flags.includes('--user')) {
    console.log(`${ordinary ? 'Not root' : 'No CAP_SYS_ADMIN'}: running in a user and network namespace of its own.`)
  }
  const own = flags.includes('--pid')
  const script = `${own ? 'mount -t proc proc /proc' : ''}${SCRIPT}`
  const child = spawn('unshare', [...flags, 'sh', '-ec', script, 'sh', process.execPath, ...argv], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, TMPDIR: '/run/tmp', [MARK]: '1' },
    // A terminal's Ctrl-C is for this process alone, which ends the others all at once.
    detached: true
  })
  let interrupted
  const end = () => (own ? killFirst(child.pid) : process.kill(-child.pid, 'SIGKILL'))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      interrupted ??= signal
      // Its first process may not be there yet.
      setInterval(end, 10).unref()
      end()
    })
  }
  const [code, signal] = await new Promise((resolve) => child.on('exit', (...ended) => resolve(ended)))
  return code !== null && interrupted === undefined ? code : 128 + constants.signals[interrupted ?? signal]
}

/** Kills what `unshare` started. It ends after that, and that after everything that it is the first process of. */
function killFirst(unshare) {
  try {
    for (const pid of readFileSync(`/proc/${unshare}/task/${unshare}/children`, 'utf8').split(' ').filter(Boolean))
      process.kill(Number(pid), 'SIGKILL')
  } catch {
    // They ended meanwhile.
  }
}

/** The flags for `unshare` that work here; the best are tried first. */
function possible(network) {
  // What is an ordinary user's is a network that this user may change.
  const choices = [...(ordinary ? [] : [network]), ...USERS.map((user) => [...user, '--net'])].flatMap((flags) =>
    [[...flags, ...PROCESSES], flags].map((flags) => [...flags, '--mount', '--propagation', 'private'])
  )
  const refusals = []
  for (const flags of choices) {
    const script = flags.includes('--pid') ? 'mount -t proc proc /proc' : 'mount -t tmpfs netns /run'
    const { error, status, stderr } = spawnSync('unshare', [...flags, 'sh', '-ec', script], { encoding: 'utf8' })
    if (error) fail('`unshare` is missing.', 'Install util-linux, as by: apt install util-linux')
    if (status === 0) return flags
    refusals.push(stderr.trim().split('\n')[0])
  }
  fail(
    `Namespaces are refused here: ${refusals.at(-1)}`,
    ordinary
      ? 'Run as root, or let ordinary users have user namespaces (sysctl kernel.unprivileged_userns_clone=1, ' +
          'user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0).'
      : 'In a container, grant CAP_SYS_ADMIN and a seccomp profile that allows unshare, setns and mount.'
  )
}
