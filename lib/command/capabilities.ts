/** The names of capabilities(7), in the order of their numbers in `linux/capability.h`. */
import { invalidType, invalidValue } from '../errors.ts'

const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE'
]

const numbers = new Map(NAMES.map((name, number) => [name, number]))

/** The numbers of capabilities by their names: `CAP_NET_RAW`, `NET_RAW`, in either case. */
export function validateCapabilities(names: unknown): number[] | undefined {
  if (names === undefined) return undefined
  if (!Array.isArray(names)) throw invalidType('options.capabilities', 'an instance of Array', names)
  return names.map((name: unknown, index) => {
    const label = `options.capabilities[${index}]`
    if (typeof name !== 'string') throw invalidType(label, 'of type string', name)
    const number = numbers.get(name.toUpperCase().replace(/^CAP_/, ''))
    if (number === undefined) throw invalidValue(label, name, 'it is no capability that capabilities(7) knows')
    return number
  })
}
