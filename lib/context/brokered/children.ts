/**
 * Children in a namespace that the thread may not enter: Node starts a helper, which goes there by way of the user
 * namespace that owns it, and becomes the program. It has the user's standard streams and nothing else.
 */
import { readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { overlaid } from '../../builtin.ts'
import { isShortage } from '../../errors.ts'
import type { Namespace } from '../../namespace.ts'
import { attempt } from '../../native.ts'
import type { AnyFunction } from '../patches.ts'
import { lookUp } from './programs.ts'

interface SpawnOptions {
  file: string
  args?: string[]
  cwd?: string | Uint8Array | null
  envPairs?: string[]
  stdio?: object[]
}

/** `Process.spawn`, behind all that is asynchronous: of one object, or from Node 24 on of its values one by one. */
export function spawnBrokered(original: AnyFunction, handle: object, place: Namespace, ...given: unknown[]): unknown {
  const [first, args, cwd, envPairs, stdio, ...rest] = given
  if (typeof first !== 'string') {
    return joinBySpawning((options) => original.call(handle, options), place, first as SpawnOptions)
  }
  const spawn = (options: SpawnOptions) =>
    original.call(handle, options.file, options.args, options.cwd, options.envPairs, options.stdio, ...rest)
  return joinBySpawning(spawn, place, { file: first, args, cwd, envPairs, stdio } as SpawnOptions)
}

function joinBySpawning(spawn: (options: SpawnOptions) => unknown, place: Namespace, given: SpawnOptions): unknown {
  const { file } = given
  const [args, cwd, envPairs, stdio] = [given.args ?? [file], given.cwd, given.envPairs ?? [], given.stdio ?? []]
  const path = envPairs.find((pair) => pair.startsWith('PATH='))?.slice('PATH='.length)
  const missing = lookUp(file, pathOf(cwd), path)
  if (missing !== undefined) return spawn({ ...given, file: missing })
  const [zeroth = file, ...rest] = args
  const [network, helper] = [stdio.length, stdio.length + 1]
  const flags = ['-d', `${network}`, '-x', `${helper}`, '-0', zeroth]
  let passed: number[]
  try {
    passed = attempt((native) => [place.handle.descriptor(), native.helperDescriptor()])
  } catch (error) {
    if (isShortage(error)) return error.errno
    throw error
  }
  return spawn({
    ...given,
    file: `/proc/self/fd/${helper}`,
    args: ['netns-exec', ...flags, '--', file, ...rest],
    // What is closed here meanwhile is open there all the same.
    stdio: [...stdio, ...passed.map((fd) => ({ type: 'fd', fd }))]
  })
}

/** `spawn` of the binding behind all that waits for its child. */
export function spawnSyncBrokered(
  original: AnyFunction,
  binding: object,
  place: Namespace,
  given: SpawnOptions
): unknown {
  const spawn = ({ file, args, stdio }: SpawnOptions) => original.call(binding, overlaid(given, { file, args, stdio }))
  const result = joinBySpawning(spawn, place, { ...given }) as number | { output?: unknown[] | null }
  if (typeof result === 'number') return { pid: 0, status: null, signal: null, output: null, error: result }
  // What was passed with them has no output.
  if (result.output) result.output.length = given.stdio?.length ?? 0
  return result
}

interface SyncOptions {
  shell?: boolean | string
  argv0?: string
  cwd?: string | URL | Uint8Array
  env?: NodeJS.ProcessEnv
}

/** What is really started, and how it is told of as if it were what was asked for. */
interface Start {
  file: string
  args: string[]
  tell(error: unknown): unknown
  /** Whether that fails, as would what was asked for. */
  isMissing: boolean
}

type Wait = (original: AnyFunction, place: Namespace, args: unknown[]) => unknown

/** The three that wait, where what they call is out of reach: whatever is passed has to be had from this process. */
export const waitingBrokered: Record<'spawnSync' | 'execFileSync' | 'execSync', Wait> = {
  spawnSync(original, place, given) {
    const call = normalize(given, false)
    if (call === undefined) return original(...given)
    const { file, args, options } = call
    const start = joining(place, programOf(file, args, options), options)
    const result = original(start.file, start.args, overlaid(options, { shell: false, argv0: undefined }))
    if (result.error) start.tell(result.error)
    return result
  },
  execFileSync(original, place, given) {
    const call = normalize(given, true)
    if (call === undefined) return original(...given)
    const { file, args, options } = call
    const start = joining(place, programOf(file, args, options), options, [options.argv0 ?? file, ...args].join(' '))
    try {
      return original(start.file, start.args, overlaid(options, { shell: false, argv0: undefined }))
    } catch (error) {
      throw start.tell(error)
    }
  },
  execSync(original, place, [command, given]) {
    // Whatever is no object is none, to Node too.
    const options = (typeof given === 'object' && given !== null ? given : {}) as SyncOptions
    const shell = typeof options.shell === 'string' ? options.shell : true
    if (!isSound(command, [], overlaid(options, { shell }))) return original(command, given)
    const start = joining(
      place,
      programOf(command as string, [], overlaid(options, { shell })),
      options,
      command as string
    )
    try {
      // Its shell becomes the helper, and that the shell that was asked for. One that cannot be had fails as Node's does.
      const line = `exec ${[start.file, ...start.args].map(quote).join(' ')}`
      return original(line, overlaid(options, { shell: start.isMissing ? start.file : '/bin/sh' }))
    } catch (error) {
      throw start.tell(error)
    }
  }
}

interface Program {
  file: string
  /** With the zeroth. */
  args: string[]
}

/** As Node does it. */
function programOf(file: string, args: string[], { shell, argv0 }: SyncOptions): Program {
  if (!shell) return { file, args: [argv0 ?? file, ...args] }
  const program = typeof shell === 'string' ? shell : '/bin/sh'
  return { file: program, args: [argv0 ?? program, '-c', [file, ...args].join(' ')] }
}

function joining(place: Namespace, { file, args }: Program, options: SyncOptions, words?: string): Start {
  const [zeroth = file, ...rest] = args
  const cwd = pathOf(options.cwd)
  const network = place.handle.descriptor()
  // The thread waits until the child has ended, so nothing of this process's is closed meanwhile.
  const ours = `/proc/${readlinkSync('/proc/self')}/fd`
  const helper = `${ours}/${attempt((native) => native.helperDescriptor())}`
  const missing = lookUp(file, cwd, (options.env || process.env)['PATH'])
  const started = missing ?? helper
  const flags = ['-n', `${ours}/${network}`, '-i', `${place.dev}:${place.inode}`, '-0', zeroth, '--', file, ...rest]
  const real = [started, ...flags]
  return {
    file: started,
    args: flags,
    isMissing: missing !== undefined,
    tell(error) {
      const told = error as NodeJS.ErrnoException & { spawnargs?: string[] }
      const lines = [real.join(' '), `exec ${real.map(quote).join(' ')}`]
      for (const line of lines) told.message = told.message.replace(line, () => words ?? file)
      if (told.spawnargs !== undefined) {
        told.spawnargs = rest
        told.path = file
        told.syscall = `spawnSync ${file}`
        told.message = `${told.syscall} ${told.code}`
      }
      return error
    }
  }
}

interface Call {
  file: string
  args: string[]
  options: SyncOptions
}

/**
 * What was asked for, as Node reads it. Nothing where Node refuses it, and starts nothing.
 *
 * @param lenient - as `execFileSync`, to which more is no options
 */
function normalize([file, second, third]: unknown[], lenient: boolean): Call | undefined {
  const isCallback = lenient && typeof second === 'function'
  const isOptions = !isCallback && typeof second === 'object' && second !== null && !Array.isArray(second)
  if (!isCallback && !isOptions && !Array.isArray(second) && second != null) return undefined
  const args: unknown[] = Array.isArray(second) ? second : []
  let options = isOptions ? second : isCallback ? undefined : third
  if (options === undefined || (lenient && options === null)) options = {}
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return undefined
  return isSound(file, args, options) ? { file: file as string, args: args as string[], options } : undefined
}

/** What Node refuses is left for it to refuse: nothing is started then. */
function isSound(file: unknown, args: unknown[], { shell, argv0, cwd }: SyncOptions): boolean {
  const optional = (value: unknown, ...types: string[]) => value == null || types.includes(typeof value)
  if (typeof file !== 'string' || file === '' || !optional(shell, 'boolean', 'string')) return false
  if (!optional(argv0, 'string') || [file, shell, argv0, ...args].some(hasNul)) return false
  try {
    return !hasNul(pathOf(cwd))
  } catch {
    return false
  }
}

function hasNul(word: unknown): boolean {
  return typeof word === 'string' && word.includes('\0')
}

/** @throws as Node does */
function pathOf(cwd: SyncOptions['cwd'] | null): string | undefined {
  if (cwd === undefined || cwd === null || typeof cwd === 'string') return cwd ?? undefined
  return cwd instanceof Uint8Array ? Buffer.from(cwd).toString() : fileURLToPath(cwd)
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
