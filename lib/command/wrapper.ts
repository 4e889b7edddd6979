/** An executable that runs programs inside, for those who start programs themselves. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt, type Handle, type Order } from '../native.ts'
import { validateOptions, validatePath, validateString } from '../validate.ts'
import { type CommandOptions, check } from './options.ts'

/** What a wrapper runs, and how. */
export interface WrapperOptions
  extends Pick<CommandOptions, 'cwd' | 'uid' | 'gid' | 'groups' | 'etc' | 'sysfs' | 'capabilities' | 'bound'> {
  /** The program; its arguments are {@link args} and then those the wrapper is called with. Default: its first one. */
  file?: string | undefined
  /** Arguments that come first. Default: none. */
  args?: readonly string[] | undefined
  /** Where a directory for it is made, on a file system that lets programs run. Default: `os.tmpdir()`. */
  directory?: string | undefined
}

/** An executable that runs programs inside, until it is disposed of. It keeps the namespace alive. */
export class Wrapper implements Disposable {
  /** The executable's path. */
  readonly path: string
  readonly #directory: string
  #handle: Handle | undefined

  /** @internal */
  constructor(path: string, directory: string, handle: Handle) {
    this.path = path
    this.#directory = directory
    this.#handle = handle
    living.add(this)
    if (living.size === 1) process.on('exit', disposeAll)
  }

  /** Removes it; a second time does nothing. What it runs goes on. */
  dispose(): void {
    if (this.#handle === undefined) return
    this.#handle.close()
    this.#handle = undefined
    living.delete(this)
    if (living.size === 0) process.off('exit', disposeAll)
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** As {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose()
  }
}

const living = new Set<Wrapper>()

function disposeAll(): void {
  for (const wrapper of living) wrapper.dispose()
}

/** Writes a wrapper. */
export function wrap(namespace: Namespace, given: WrapperOptions | undefined): Wrapper {
  const options: WrapperOptions = validateOptions(given)
  const file = options.file === undefined ? [] : [validateString(options.file, 'options.file')]
  if (file[0] === '') throw invalidValue('options.file', '', 'it cannot be empty')
  if (options.args !== undefined && options.file === undefined) {
    throw invalidValue('options.args', options.args, 'there is no file for them')
  }
  const { args, order: wanted } = check(namespace, file[0] ?? 'argv', options.args, options)
  const order: Order = wanted ?? { sysfs: false, bound: false }
  const parent =
    options.directory === undefined ? tmpdir() : validatePath(options.directory, 'options.directory').toString()
  // A handle of its own, so that neither closing the other nor its number's next owner matters.
  const handle = attempt((native) => native.Handle.fromPath(Buffer.from(`/proc/thread-self/fd/${fdOf(namespace)}`)))
  const directory = mkdtempSync(join(parent, 'netns-'))
  try {
    const helper = join(directory, 'netns-exec')
    writeFileSync(
      helper,
      attempt((native) => native.helper())
    )
    const { dev, inode } = handle.identify()
    const flags = ['-n', `/proc/${process.pid}/fd/${handle.descriptor()}`, '-i', `${dev}:${inode}`]
    if (order.etc !== undefined) flags.push('-e', `/etc/netns/${order.etc}`)
    if (order.sysfs) flags.push('-s')
    if (order.directory !== undefined) flags.push('-C', order.directory.toString())
    if (order.groups !== undefined) flags.push('-g', order.groups.join(','))
    if (order.gid !== undefined) flags.push('-G', `${order.gid}`)
    if (order.uid !== undefined) flags.push('-u', `${order.uid}`)
    if (order.capabilities !== undefined) flags.push('-c', mask(order.capabilities))
    if (order.bound) flags.push('-b')
    const path = join(directory, 'run')
    writeFileSync(path, script(helper, [...flags, '--', ...file, ...args]))
    for (const executable of [helper, path]) chmodSync(executable, 0o755)
    return new Wrapper(path, directory, handle)
  } catch (error) {
    handle.close()
    rmSync(directory, { recursive: true, force: true })
    throw error
  }
}

/** The kernel takes this much of a first line, and splits it at blanks. */
const LONGEST = 255

/** The helper reads its words itself, as a shell on the way takes longer than all else; where its path allows for that. */
function script(helper: string, words: readonly string[]): string {
  const line = `#!${helper} -f\n`
  if (!/\s/.test(helper) && Buffer.byteLength(line) <= LONGEST) return line + words.map((word) => `${word}\0`).join('')
  return `#!/bin/sh\nexec ${[helper, ...words].map(quote).join(' ')} "$@"\n`
}

function fdOf(namespace: Namespace): number {
  // Throws for a closed one, whose number would be -1.
  return namespace.handle.descriptor()
}

function mask(capabilities: readonly number[]): string {
  return capabilities.reduce((set, number) => set | (1n << BigInt(number)), 0n).toString(16)
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
