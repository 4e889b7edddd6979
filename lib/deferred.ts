/**
 * The built package's `parts.ts`: importing the library must not read, compile and run what may never be used. The files
 * of parts are functions of what this one is built into, so that they are of one library with whoever loaded them.
 */
import { requireOwn } from './builtin.ts'
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
    return loaded.command ?? loadPart('command')
  },
  get config() {
    return loaded.config ?? loadPart('config')
  },
  get further() {
    return loaded.further ?? loadPart('further')
  },
  get context() {
    return loaded.context ?? loadPart('context')
  },
  get brokered() {
    return loaded.brokered ?? loadPart('brokered')
  },
  get late() {
    return loaded.late ?? loadPart('late')
  },
  get web() {
    return loaded.web ?? loadPart('web')
  },
  get names() {
    return loaded.names ?? loadPart('names')
  },
  get node() {
    return loaded.node ?? loadPart('node')
  },
  get register() {
    return loaded.register ?? loadPart('register')
  }
}

function loadPart<Name extends keyof All>(name: Name): All[Name] {
  const part = fileOf(name) as All[Name]
  loaded[name] = part
  return part
}

/** What a file of `lib` exports. By `require`, as nothing else loads without a promise. */
function fileOf(name: string): unknown {
  files[name] ??= requireOwn<File>(`./lib/${name}.cjs`, isFunction)($core(), fileOf)
  return files[name]
}

function isFunction(found: unknown): boolean {
  return typeof found === 'function'
}
