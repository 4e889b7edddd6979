/** An ordinary user's own user and network namespace, and a program that joins them. */
import { spawn } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { NetNs } from '../../index.ts'

// The kernel lets no root without CAP_SETFCAP have a name inside.
const names = process.getuid?.() === 0 ? [] : ['--map-root-user']
const holder = spawn('unshare', ['--user', ...names, '--net', 'sleep', '1000'], { stdio: 'ignore' })
const home = readlinkSync('/proc/self/ns/net')
// The holder is inside, and its users are mapped, once it runs another program.
while (readFileSync(`/proc/${holder.pid}/comm`, 'utf8') !== 'sleep\n') await sleep(5)
const ns = NetNs.fromPid(holder.pid ?? 0)
const { stdout } = await ns.command('readlink', ['/proc/self/ns/net']).output()
const capabilities = readFileSync('/proc/self/status', 'utf8').match(/^CapEff:\t(.*)$/m)?.[1]
holder.kill('SIGKILL')
process.stdout.write(JSON.stringify({ inside: stdout.toString().trim() === ns.id && ns.id !== home, capabilities }))
