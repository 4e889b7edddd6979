/** Environments: from objects to what native code takes. */
import { types } from 'node:util'
import { isInherited } from '../context/place.ts'
import { invalidType, invalidValue } from '../errors.ts'

/** `NAME=value`, each ended by a NUL. */
export function environment(env: NodeJS.ProcessEnv): string {
  if (typeof env !== 'object' || env === null) throw invalidType('options.env', 'of type object', env)
  let pairs = ''
  for (const name of names(env)) {
    const value = env[name]
    // By an inherited NETNS a program with our preload would go elsewhere than where it is started.
    if (value === undefined || (name === 'NETNS' && isInherited(value))) continue
    // What is no string becomes one, as for Node's children.
    const pair = `${name}=${value}`
    if (pair.includes('\0')) throw invalidValue(`options.env['${name}']`, value, 'it cannot contain a NUL')
    pairs += `${pair}\0`
  }
  return pairs
}

function names(env: NodeJS.ProcessEnv): string[] {
  // Every question to the real environment is a system's business, and its own keys are all it has.
  if (env === process.env) return Object.getOwnPropertyNames(env)
  const found = []
  // As Node does: inherited properties count too.
  for (const name in env) found.push(name)
  return found
}

let probed: object | undefined
let real = false

/**
 * Whether that is the environment of the process and no object that took its place, as test runners put there: a change
 * of the former is one that native code sees.
 */
export function isReal(env: NodeJS.ProcessEnv): boolean {
  if (env !== probed) {
    probed = env
    real = !types.isProxy(env) && refusesSymbols(env)
  }
  return real
}

/** As only strings can be the names of variables; any other object takes one. */
function refusesSymbols(env: object): boolean {
  const name = Symbol('node-netns')
  try {
    Reflect.set(env, name, '')
    Reflect.deleteProperty(env, name)
    return false
  } catch {
    return true
  }
}
