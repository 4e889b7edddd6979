/** Options of a command: checked in one place, before anything is started. */

import { invalidType, invalidValue, outOfRange } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import type { Order } from '../native.ts'
import {
  validateBoolean,
  validateInteger,
  validateOptions,
  validatePath,
  validateSignal,
  validateString
} from '../validate.ts'
import { validateCapabilities } from './capabilities.ts'
import { environment } from './environment.ts'
import { validateKillSignal } from './signals.ts'
import { normalizeStdio, type StdioOption } from './stdio.ts'

/** How a program is started, and ended. */
export interface CommandOptions {
  /** Its working directory. Default: this process's. */
  cwd?: string | URL | undefined
  /** Its environment. Default: `process.env`. */
  env?: NodeJS.ProcessEnv | undefined
  /**
   * Its descriptors, as for `child_process.spawn`: pipes, this process's, `/dev/null`, a descriptor, a stream that has
   * one. Default: pipes for `spawn` and `output`, this process's for `status`.
   */
  stdio?: StdioOption | undefined
  /** What it reads on its standard input, which is a pipe then. */
  input?: string | Uint8Array | undefined
  /** The user it is. Without {@link groups}, supplementary groups are dropped, as by Node. */
  uid?: number | undefined
  /** The group it is. */
  gid?: number | undefined
  /** Its supplementary groups. */
  groups?: readonly number[] | undefined
  /**
   * The files of `/etc/netns/NAME` over those of `/etc`, in a mount namespace of the child's. Default: true if the
   * namespace was opened or made by a name.
   */
  etc?: boolean | undefined
  /** A `/sys` that shows the namespace's network, cgroups and all. Default: as for {@link etc}. */
  sysfs?: boolean | undefined
  /**
   * The capabilities that are left, as `'NET_RAW'` or `'CAP_NET_RAW'`, bounding set included. Default: as Node's own
   * children. `[]` leaves none and sets `no_new_privs`, so that no program gives any back.
   */
  capabilities?: readonly string[] | undefined
  /** Kills it when aborted. */
  signal?: AbortSignal | undefined
  /** Kills it after this many milliseconds. Default 0: never. */
  timeout?: number | undefined
  /** The signal that `signal`, `timeout` and `maxBuffer` send. Default `'SIGTERM'`. */
  killSignal?: NodeJS.Signals | number | undefined
  /**
   * Milliseconds after {@link killSignal} was sent for one of those reasons until SIGKILL follows. Default 5000;
   * `Infinity`: never.
   */
  forceKillAfter?: number | undefined
  /** Of `output`: the most bytes of either stream; more kills it. Default 1 MiB, as for `execFile`. */
  maxBuffer?: number | undefined
  /** The child is killed when this process ends, even by SIGKILL. What the child started itself is not. */
  bound?: boolean | undefined
}

/** When and how a child is ended before its time. */
export interface Limits {
  signal: AbortSignal | undefined
  timeout: number
  killSignal: number
  forceKillAfter: number
}

/** A command that was checked. */
export interface Checked {
  file: string
  args: string[]
  /** The file and the arguments, as they are told of. */
  argv: string[]
  /** The file and the arguments as native code takes them. */
  words: string
  /** What few programs need; undefined if this one does not, as each property is a crossing. */
  order: Order | undefined
  env: string | undefined
  stdio: unknown
  input: string | Uint8Array | undefined
  limits: Limits
  maxBuffer: number
}

const DAY = 24 * 60 * 60 * 1000
/** The largest delay of a timer. */
const LONGEST = 24.8 * DAY
const LARGEST_ID = 2 ** 32 - 2

/** Checks a command. */
export function check(namespace: Namespace, file: unknown, args: unknown, given: CommandOptions | undefined): Checked {
  const options: CommandOptions = validateOptions(given)
  const name = validateString(file, 'file')
  if (name === '') throw invalidValue('file', file, 'it cannot be empty')
  const words = validateArguments(args)
  const argv = [name, ...words]
  // Both streams the other way too, so that a wrong one is told of now and not at the start.
  normalizeStdio(options.stdio, 'pipe')
  return {
    file: name,
    args: words,
    argv,
    words: join(argv),
    order: validateOrder(namespace, options),
    env: options.env === undefined ? undefined : environment(options.env),
    stdio: options.stdio,
    input: validateInput(options.input),
    limits: {
      signal: validateSignal(options.signal),
      timeout: validateMilliseconds(options.timeout, 'options.timeout', 0),
      killSignal: validateKillSignal(options.killSignal),
      forceKillAfter: validateMilliseconds(options.forceKillAfter, 'options.forceKillAfter', 5000)
    },
    maxBuffer: validateMaximum(options.maxBuffer)
  }
}

function join(strings: readonly string[]): string {
  return `${strings.join('\0')}\0`
}

function validateArguments(args: unknown): string[] {
  if (args === undefined) return []
  if (!Array.isArray(args)) throw invalidType('args', 'an instance of Array', args)
  return args.map((arg, index) => validateString(arg, `args[${index}]`))
}

function validateOrder(namespace: Namespace, options: CommandOptions): Order | undefined {
  const order = {
    ...validateCredentials(options),
    ...(options.cwd === undefined ? {} : { directory: validatePath(options.cwd, 'options.cwd') }),
    ...mounts(namespace, options),
    bound: validateBoolean(options.bound, 'options.bound', false)
  }
  const { sysfs, bound, ...rest } = order
  return sysfs || bound || Object.keys(rest).length > 0 ? order : undefined
}

type Credentials = Pick<Order, 'uid' | 'gid' | 'groups' | 'capabilities'>

function validateCredentials(options: CommandOptions): Credentials {
  const id = (value: unknown, label: string) => validateInteger(value, label, 0, LARGEST_ID)
  const checked: Credentials = {}
  if (options.uid !== undefined) checked.uid = id(options.uid, 'options.uid')
  if (options.gid !== undefined) checked.gid = id(options.gid, 'options.gid')
  if (options.groups !== undefined) {
    if (!Array.isArray(options.groups)) throw invalidType('options.groups', 'an instance of Array', options.groups)
    checked.groups = options.groups.map((group, index) => id(group, `options.groups[${index}]`))
  }
  const capabilities = validateCapabilities(options.capabilities)
  if (capabilities !== undefined) checked.capabilities = capabilities
  return checked
}

function mounts(namespace: Namespace, options: CommandOptions): Pick<Order, 'etc' | 'sysfs'> {
  const { name } = namespace
  const etc = validateBoolean(options.etc, 'options.etc', name !== undefined)
  if (etc && name === undefined) throw invalidValue('options.etc', etc, 'the namespace has no name to look up')
  const sysfs = validateBoolean(options.sysfs, 'options.sysfs', name !== undefined)
  return etc && name !== undefined ? { etc: name, sysfs } : { sysfs }
}

function validateInput(input: unknown): string | Uint8Array | undefined {
  if (input === undefined || typeof input === 'string' || input instanceof Uint8Array) return input
  throw invalidType('options.input', 'of type string or an instance of Uint8Array', input)
}

function validateMilliseconds(value: unknown, label: string, usual: number): number {
  if (value === undefined) return usual
  if (typeof value !== 'number') throw invalidType(label, 'of type number', value)
  if (!(value >= 0)) throw outOfRange(label, '>= 0', value)
  return Math.min(value, value === Number.POSITIVE_INFINITY ? value : LONGEST)
}

function validateMaximum(value: unknown): number {
  if (value === undefined) return 1024 * 1024
  if (typeof value !== 'number') throw invalidType('options.maxBuffer', 'of type number', value)
  if (!(value >= 0)) throw outOfRange('options.maxBuffer', 'a positive number', value)
  return value
}
