/** Runs a script again in namespaces of its own, so that it can neither see nor soil the machine. */
import { spawn, spawnSync } from 'node:child_process'
import { fail, root } from './prepare.mjs'

const MARK = 'NETNS_ISOLATED'

/** Whether this process is already in namespaces that a parent made for it. */
export const isolated = process.env[MARK] === '1'

/** Whether this process lacks root's power over namespaces. */
export const ordinary = process.geteuid() !== 0

/**
 * Runs `argv` under Node in a network and a mount namespace of its own, with `lo` up and an empty `/run`; an ordinary
 * user gets a user namespace too. Resolves with the exit code.
 */
export async function isolate(argv, { say = false } = {}) {
  const user = ordinary ? ['--user', '--map-root-user'] : []
  const flags = [...user, '--mount', '--net', '--propagation', 'private']
  checkIsolation(flags)
  if (say) console.log('Not root: running in a user and network namespace of its own.')
  const script = 'mount -t tmpfs -o mode=755 netns /run && exec "$@"'
  const child = spawn('unshare', [...flags, 'sh', '-ec', script, 'sh', process.execPath, ...argv], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, [MARK]: '1' }
  })
  // A terminal's Ctrl-C reaches the child by itself; what is sent to us alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  return new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? (signal ? 130 : 1))))
}

function checkIsolation(flags) {
  const tried = spawnSync('unshare', [...flags, 'true'], { encoding: 'utf8' })
  if (tried.error) fail('`unshare` is missing.', 'Install util-linux, as by: apt install util-linux')
  if (tried.status === 0) return
  fail(
    `Namespaces are refused here: ${tried.stderr.trim()}`,
    ordinary
      ? 'Run as root, or let ordinary users have user namespaces (sysctl kernel.unprivileged_userns_clone=1, ' +
          'user.max_user_namespaces above 0, kernel.apparmor_restrict_unprivileged_userns=0).'
      : 'In a container, grant CAP_SYS_ADMIN and a seccomp profile that allows unshare, setns and mount.'
  )
}
