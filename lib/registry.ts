/** Names for namespaces, shared with `ip netns`. */
import { fromNative } from './errors.ts'
import { attempt, attemptAsync, type Handle, often } from './native.ts'
import { validateBoolean, validateDirectory, validateName, validateOptions, validateSignal } from './validate.ts'
import { watchNames } from './watch.ts'

/** Where names live. */
export interface RegistryOptions {
  /** A directory. @defaultValue `'/run/netns'`, iproute2's */
  directory?: string | undefined
}

/** How a namespace is made. */
export interface CreateOptions extends RegistryOptions {
  /**
   * Binds it under `/run/netns`, for `ip netns` and everyone, until the name is deleted. Without, it lives while a
   * handle or a process does.
   */
  name?: string | undefined
  /** Brings `lo` up. @defaultValue `true` */
  loopback?: boolean | undefined
}

/** How a name is deleted. */
export interface DeleteOptions extends RegistryOptions {
  /** Even if it names the namespace where this process started. @defaultValue `false` */
  force?: boolean | undefined
}

/** How names are watched. */
export interface WatchOptions extends RegistryOptions {
  /** Ends the watch. */
  signal?: AbortSignal | undefined
}

/** A name and the namespace it stands for. */
export interface NamedNetNs {
  name: string
  /** The file that the name is. */
  path: string
  /** The number in `net:[4026531840]`. */
  inode: number
  /** The device number of the kernel's nsfs. */
  dev: number
}

/** A name that came or went. */
export interface NameEvent {
  /** Whether it can be opened from now on, or no more. */
  type: 'add' | 'delete'
  name: string
}

const DEFAULT_DIRECTORY = '/run/netns'
const LAST_ASCII = 0x7f

/** The directory of options that may be missing. */
export function directoryOf(options: RegistryOptions | undefined): string {
  if (options === undefined) return DEFAULT_DIRECTORY
  const { directory = DEFAULT_DIRECTORY } = validateOptions(options)
  return validateDirectory(directory)
}

/** Opens a name: the number of a slot. */
export function openName(name: string, options?: RegistryOptions): number {
  const directory = directoryOf(options)
  validateName(name)
  const { openName, given } = often()
  // From here on nothing runs that may write something else there.
  const length = directory === DEFAULT_DIRECTORY ? spell(name, given.letters) : 0
  if (length === 0) return openString(directory, name)
  given.number[0] = length
  try {
    return openName()
  } catch (error) {
    throw fromNative(error)
  }
}

function openString(directory: string, name: string): number {
  return attempt((native) => native.openName(directory, name))
}

/** Writes the letters of a name. @returns how many it has, or 0 if not each of them is a byte */
function spell(name: string, letters: Uint8Array): number {
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index)
    if (code > LAST_ASCII) return 0
    letters[index] = code
  }
  return name.length
}

/** Checked creation options; the name is optional. */
function creation(options: CreateOptions | undefined) {
  const { name, loopback } = validateOptions(options)
  return {
    directory: directoryOf(options),
    name: name === undefined ? undefined : validateName(name, 'options.name'),
    loopback: validateBoolean(loopback, 'options.loopback', true)
  }
}

/** Makes a namespace; see `NetNs.create`. */
export async function create(options?: CreateOptions): Promise<Handle> {
  const { directory, name, loopback } = creation(options)
  return attemptAsync((native) =>
    name === undefined ? native.Handle.create(loopback) : native.createName(directory, name, loopback)
  )
}

/** As {@link create}: the number of a slot. */
export function createSync(options?: CreateOptions): number {
  const { directory, name, loopback } = creation(options)
  return attempt((native) =>
    name === undefined ? native.createSync(loopback) : native.createNameSync(directory, name, loopback)
  )
}

/** Gives a name; see `NetNs#attach`. */
export async function attach(handle: Handle, name: string, options?: RegistryOptions): Promise<void> {
  const directory = directoryOf(options)
  validateName(name)
  return attemptAsync((native) => native.attachName(directory, name, handle))
}

/** As {@link attach}, on this thread. */
export function attachSync(handle: Handle, name: string, options?: RegistryOptions): void {
  const directory = directoryOf(options)
  validateName(name)
  attempt((native) => native.attachNameSync(directory, name, handle))
}

/** Takes a name away; see `NetNs.delete`. */
export async function remove(name: string, options?: DeleteOptions): Promise<void> {
  const directory = directoryOf(options)
  const force = validateBoolean(validateOptions(options).force, 'options.force', false)
  validateName(name)
  return attemptAsync((native) => native.deleteName(directory, name, force))
}

/** As {@link remove}, on this thread. */
export function removeSync(name: string, options?: DeleteOptions): void {
  const directory = directoryOf(options)
  const force = validateBoolean(validateOptions(options).force, 'options.force', false)
  validateName(name)
  attempt((native) => native.deleteNameSync(directory, name, force))
}

type NativeListing = Awaited<ReturnType<import('./native.ts').Native['listNames']>>

/** Native code sends few large values, as each costs a crossing; here they become what users see. */
function named(directory: string, { names, inodes, dev }: NativeListing): NamedNetNs[] {
  const prefix = directory.endsWith('/') ? directory : `${directory}/`
  const all: NamedNetNs[] = []
  let start = 0
  // To split them takes as long again.
  for (const inode of inodes) {
    const slash = names.indexOf('/', start)
    const name = names.slice(start, slash === -1 ? undefined : slash)
    all.push({ name, path: prefix + name, inode, dev })
    start = slash + 1
  }
  return all
}

/** Names that can be opened; see `NetNs.list`. */
export async function list(options?: RegistryOptions): Promise<NamedNetNs[]> {
  const directory = directoryOf(options)
  return named(directory, await attemptAsync((native) => native.listNames(directory)))
}

/** As {@link list}, on this thread. */
export function listSync(options?: RegistryOptions): NamedNetNs[] {
  const directory = directoryOf(options)
  return named(
    directory,
    attempt((native) => native.listNamesSync(directory))
  )
}

/** Names that are no namespaces; see `NetNs.listStale`. */
export async function listStale(options?: RegistryOptions): Promise<string[]> {
  const directory = directoryOf(options)
  return (await attemptAsync((native) => native.listNames(directory))).stale
}

/** Every name of a namespace; see `NetNs#names`. */
export async function namesOf(handle: Handle, options?: RegistryOptions): Promise<string[]> {
  const directory = directoryOf(options)
  return attemptAsync((native) => native.namesOf(directory, handle))
}

/** Names as they come and go; see `NetNs.watch`. */
export function watch(options?: WatchOptions): AsyncIterableIterator<NameEvent> {
  return watchNames(directoryOf(options), validateSignal(validateOptions(options).signal))
}
