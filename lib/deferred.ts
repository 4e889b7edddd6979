/**
 * The built package's `parts.ts`: importing the library must not read, compile and run what may never be used. The files
 * of parts are functions of what this one is built into, so that they are of one library with whoever loaded them.
 */
import { builtin } from './builtin.ts'
import type { parts as Parts } from './parts.ts'

type All = typeof Parts
type File = (core: readonly unknown[], load: typeof fileOf) => unknown

/** All that parts use of the file that this is built into: the build defines it there. */
declare const $core: () => readonly unknown[]

const loaded: Partial<All> = {}
const files: Record<string, unknown> = {}

/** The parts, each loaded when it is first asked for. So short that they are compiled into whoever asks often. */
export const parts: Readonly<All> = {
  get command() {
    return loaded.command ?? part('command')
  },
  get config() {
    return loaded.config ?? part('config')
  },
  get context() {
    return loaded.context ?? part('context')
  },
  get brokered() {
    return loaded.brokered ?? part('brokered')
  },
  get late() {
    return loaded.late ?? part('late')
  },
  get names() {
    return loaded.names ?? part('names')
  },
  get node() {
    return loaded.node ?? part('node')
  },
  get register() {
    return loaded.register ?? part('register')
  }
}

function part<Name extends keyof All>(name: Name): All[Name] {
  const made = fileOf(name) as All[Name]
  loaded[name] = made
  return made
}

/** What a file of `lib` exports. */
function fileOf(name: string): unknown {
  files[name] ??= load(`./lib/${name}.cjs`)($core(), fileOf)
  return files[name]
}

/** A module of Node's CommonJS loader. */
interface Loadable {
  exports: unknown
  load?(path: string): void
}

/** By Node's CommonJS loader, as nothing else loads without a promise. */
function load(file: string): File {
  const Module = builtin('module') as unknown as new (path: string) => Loadable
  const path = builtin('url').fileURLToPath(new URL(file, import.meta.url))
  const module = new Module(path)
  // What `require` does in the end, after it has looked for what is known to be there: that takes as long as to read it.
  if (typeof module.load === 'function') module.load(path)
  else module.exports = builtin('module').createRequire(path)(path)
  return module.exports as File
}
