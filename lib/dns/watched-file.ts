/** A small text file, parsed again when it changes. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs'
import { setImmediate } from '../clock.ts'

/**
 * The first of some paths that exists, as what `parse` makes of its text.
 *
 * It is read on the JavaScript thread: a cold thread pool stays unborn, no pool thread needs to be in any namespace, and
 * what does not change costs a stat(2) per look, as in glibc. What is no regular file counts as empty and is never
 * opened for waiting; of a longer file only the lines within `limit` bytes are read.
 */
export class WatchedFile<T> {
  readonly #paths: readonly string[]
  readonly #parse: (text: string) => T
  readonly #limit: number
  #seen: { path: string; stats: Stats } | undefined
  #value: T
  #isRecent = false

  constructor(paths: readonly string[], parse: (text: string) => T, limit: number) {
    this.#paths = paths
    this.#parse = parse
    this.#limit = limit
    this.#value = parse('')
  }

  /** What the file says now. */
  read(): T {
    const found = this.#find()
    if (!isSame(found, this.#seen)) {
      this.#seen = found
      this.#value = this.#parse(found === undefined ? '' : textOf(found.path, this.#limit))
    }
    return this.#value
  }

  /** What the file said when it was looked at in this turn of the event loop: for those who ask thousands of times. */
  recent(): T {
    if (this.#isRecent) return this.#value
    this.#isRecent = true
    setImmediate(() => {
      this.#isRecent = false
    }).unref()
    return this.read()
  }

  #find(): { path: string; stats: Stats } | undefined {
    for (const path of this.#paths) {
      const stats = statOf(path)
      if (stats !== undefined) return { path, stats }
    }
    return undefined
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    // ENOTDIR, EACCES, ELOOP: it cannot be had, as if it were not there.
    return undefined
  }
}

type Found = { path: string; stats: Stats } | undefined

function isSame(one: Found, other: Found): boolean {
  if (one === undefined || other === undefined) return one === other
  const [a, b] = [one.stats, other.stats]
  return (
    one.path === other.path &&
    a.mtimeMs === b.mtimeMs &&
    a.ctimeMs === b.ctimeMs &&
    a.ino === b.ino &&
    a.size === b.size &&
    a.dev === b.dev
  )
}

function textOf(path: string, limit: number): string {
  let fd: number | undefined
  try {
    // Non-blocking, as a fifo that nobody writes to would hold the thread for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = fstatSync(fd)
    if (!stats.isFile()) return ''
    const bytes = Buffer.alloc(Math.min(stats.size, limit))
    const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
    return stats.size > limit ? text.slice(0, text.lastIndexOf('\n') + 1) : text
  } catch {
    return ''
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
