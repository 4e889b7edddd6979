/**
 * The environment of what is started in a context. `NETNS` says where a program with our preload lives, and is inherited:
 * a child that was born somewhere else would go by it, and so would all that the child starts.
 */
import { overlaid } from '../../builtin.ts'
import { isInherited } from '../place.ts'

/** What starts a program: `Process.spawn`, behind all that is asynchronous, and what waits or does not come back. */
export type Starts = 'spawn' | 'spawnSync' | 'execFileSync' | 'execSync' | 'execve'

type Options = Record<string, unknown>

/** The arguments of a call with which its program does not inherit `NETNS`. One that is meant for it, it has. */
export function withoutName(call: Starts, args: unknown[]): unknown[] {
  if (call === 'spawn') return spawning(args)
  const index = call === 'execve' || takesOptionsLast(call, args) ? 2 : 1
  const given = args[index]
  if (call === 'execve') return given === null ? args : replaced(args, index, environmentWithout(given))
  if (isIgnored(call, index, given)) return replaced(args, index, { env: environmentWithout(undefined) })
  // What Node refuses is left for it to refuse.
  if (typeof given !== 'object' || given === null || (Array.isArray(given) && call !== 'execSync')) return args
  const { env } = given as Options
  return replaced(args, index, overlaid(given as Options, { env: environmentWithout(env || undefined) }))
}

/** Of one object, or from Node 24 on of its values one by one. */
function spawning(args: unknown[]): unknown[] {
  const [first, , , pairs] = args
  if (typeof first === 'string') return replaced(args, 3, pairsWithout(pairs))
  const options = first as Options
  return replaced(args, 0, overlaid(options, { envPairs: pairsWithout(options['envPairs']) }))
}

function pairsWithout(pairs: unknown): unknown {
  // Without any, it is this process's own.
  const given = pairs ?? Object.entries(process.env).map(([name, value]) => `${name}=${value}`)
  if (!Array.isArray(given)) return given
  return given.filter(
    (pair) => !(String(pair).startsWith('NETNS=') && isInherited(String(pair).slice('NETNS='.length)))
  )
}

/** Arguments come first, or `undefined` for none. */
function takesOptionsLast(call: Starts, [, args]: unknown[]): boolean {
  return call !== 'execSync' && (Array.isArray(args) || args === undefined || args === null)
}

/** What Node takes for no options. */
function isIgnored(call: Starts, index: number, given: unknown): boolean {
  if (given === undefined) return true
  if (call === 'execSync') return typeof given !== 'object' || given === null
  return call !== 'spawnSync' && (given === null || (typeof given === 'function' && index === 1))
}

/** As Node reads one: inherited properties count too. */
function environmentWithout(env: unknown = process.env): unknown {
  if (typeof env !== 'object' || env === null || !isInherited((env as Options)['NETNS'])) return env
  const rest = Object.create(null) as Options
  for (const name in env) if (name !== 'NETNS') rest[name] = (env as Options)[name]
  return rest
}

function replaced(args: unknown[], index: number, value: unknown): unknown[] {
  const others = args.slice()
  others[index] = value
  return others
}
