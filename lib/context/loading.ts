/**
 * Node's modules as they are loaded. To load for its hooks what the program has not loaded itself would take longer than
 * all the rest together, so hooks on it wait until somebody loads it, in whatever way. Node puts each module's name into
 * `process.moduleLoadList` when it is loaded, before whoever wants it has it: that is when its hooks are put on.
 */
import { builtin } from '../builtin.ts'
import { parts } from '../parts.ts'
import { Patches } from './patches.ts'

/** Puts the hooks of a module on. It may only use what the module itself has loaded: all else may be half loaded. */
export type Hook = (patches: Patches) => void

interface Waiting {
  module: Parameters<typeof builtin>[0] | undefined
  entries: string[]
  hook: Hook
}

/** Modules of a line each, of which one that is not loaded yet proves that loading is told. */
const PROOFS = ['path/win32', 'path/posix', 'util/types']

/** Hooks that wait. */
export interface Loading {
  readonly patches: Patches
  /** What is loaded, as far as somebody tells. */
  known: string[] | undefined
  readonly waiting: Map<string, Waiting>
}

/** Has Node tell of what it loads from now on. */
export function watchLoading(patches: Patches): Loading {
  const loading: Loading = { patches, known: undefined, waiting: new Map() }
  const { moduleLoadList } = process as { moduleLoadList?: unknown }
  if (!Array.isArray(moduleLoadList)) return loading
  const known = moduleLoadList.slice()
  if (watchList(loading, moduleLoadList, known)) loading.known = known
  return loading
}

/**
 * Has `hook` called once a module is loaded, or one of `others`, which have their own way to what it is for: at once,
 * if one is. Where nobody tells of loading, the module is loaded for it. There is none if only Node's others are meant.
 */
export function whenLoaded(
  { patches, known, waiting }: Loading,
  module: Waiting['module'],
  hook: Hook,
  others: readonly string[] = []
): void {
  const entries = others.map(entryOf)
  if (module !== undefined) entries.push(entryOf(module))
  if (known === undefined || hasOne(known, entries)) hook(patches)
  else for (const entry of entries) waiting.set(entry, { module, entries, hook })
}

/**
 * As {@link whenLoaded}, for hooks that nothing needs before the next turn of the event loop: what is loaded by now gets
 * them once whoever is to run in the first context has begun.
 */
export function soonWhenLoaded(loading: Loading, module: NonNullable<Waiting['module']>, hook: Hook): void {
  const { patches, known, waiting } = loading
  const entry = entryOf(module)
  if (known === undefined) hook(patches)
  else waiting.set(entry, { module, entries: [entry], hook })
  if (!known?.includes(entry)) return
  let isOn = true
  patches.whenUndone(() => {
    isOn = false
  })
  void Promise.resolve().then(() => {
    if (isOn) hookLoaded(loading, entry)
  })
}

/** Whether a module is loaded, as far as somebody tells. */
export function isLoaded({ known }: Loading, module: string): boolean {
  return known?.includes(entryOf(module)) === true
}

/** @returns whether the list tells of what is loaded from now on */
function watchList(loading: Loading, list: string[], known: string[]): boolean {
  // Somebody may have emptied it: it has at least what we are loaded with.
  if (!known.includes(entryOf('async_hooks'))) return false
  const proof = notLoaded(known)
  if (proof === undefined) return false
  const before = Object.getPrototypeOf(list) as object
  // What an array does not have is set by its prototype's rules, and so whatever is pushed.
  if (!Reflect.setPrototypeOf(list, new Proxy(before, { set: telling(loading, list, known) }))) return false
  loading.patches.whenUndone(() => Reflect.setPrototypeOf(list, before))
  process.getBuiltinModule(`node:${proof}`)
  const proven = known.includes(entryOf(proof)) && list.at(-1) === entryOf(proof)
  if (!proven) Reflect.setPrototypeOf(list, before)
  return proven
}

function hasOne(known: string[], entries: string[]): boolean {
  for (const entry of entries) if (known.includes(entry)) return true
  return false
}

function notLoaded(known: string[]): string | undefined {
  for (const name of PROOFS) if (!known.includes(entryOf(name))) return name
  return undefined
}

/** What is set on the list is told. */
function telling(loading: Loading, list: string[], known: string[]): NonNullable<ProxyHandler<object>['set']> {
  return (target, key, value, receiver) => {
    const done = Reflect.set(target, key, value, receiver)
    if (receiver === list) {
      known.push(value)
      hookLoaded(loading, value)
    }
    return done
  }
}

function hookLoaded({ waiting }: Loading, entry: string): void {
  const found = waiting.get(entry)
  if (found === undefined) return
  for (const each of found.entries) waiting.delete(each)
  const patches = new Patches()
  try {
    found.hook(patches)
  } catch (error) {
    patches.undo()
    if (found.module === undefined) throw error
    parts.late.refuse(patches, builtin(found.module) as object, error)
  }
}

function entryOf(name: string): string {
  return `NativeModule ${name}`
}
