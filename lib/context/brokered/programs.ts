/** Whether a program can be started, found out before a helper is, which in any case is started and tells too late. */
import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'

/** So many scripts in a row may be each other's interpreters. */
const DEEPEST = 5
const ELF = 0x464c457f
const PT_INTERP = 3

/**
 * Where nothing can be started, a path that fails in the same way, for Node to fail with. As execvp(3) looks: in `PATH`,
 * unless there is a slash.
 */
export function lookUp(file: string, from: string | null | undefined, path = '/bin:/usr/bin'): string | undefined {
  const cwd = from ?? '.'
  const candidates = file.includes('/') ? [file] : path.split(':').map((directory) => `${directory || '.'}/${file}`)
  let denied = false
  for (const candidate of candidates) {
    const failed = failureOf(resolve(cwd, candidate), cwd)
    if (failed === undefined) return undefined
    denied ||= failed === 'EACCES'
  }
  return denied ? '/dev/null' : '/proc/self/fd/none'
}

/** What execve(2) would say, as far as that can be known: it looks for what the file is run by as for the file. */
function failureOf(path: string, cwd: string, depth = 0): string | undefined {
  try {
    accessSync(path, constants.X_OK)
    if (!statSync(path).isFile()) return 'EACCES'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Node's permission model, which asks nobody of what a child does, knows nothing of it.
    return code?.startsWith('ERR_') ? undefined : code
  }
  const by = depth < DEEPEST ? runBy(path) : undefined
  return by && failureOf(resolve(cwd, by), cwd, depth + 1)
}

/** A script's interpreter, or the loader of a program that has one. */
function runBy(path: string): string | undefined {
  const head = startOf(path)
  if (head.length >= 4 && head.readUInt32LE() === ELF) return loaderIn(head)
  const [, interpreter] = /^#![ \t]*([^ \t\n\0]+)/.exec(head.toString('latin1', 0, 256)) ?? []
  return interpreter && Buffer.from(interpreter, 'latin1').toString()
}

/** Nothing of one that may be run but not read. */
function startOf(path: string): Buffer {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const head = Buffer.alloc(4096)
      return head.subarray(0, readSync(fd, head))
    } finally {
      closeSync(fd)
    }
  } catch {
    return Buffer.alloc(0)
  }
}

/** What `PT_INTERP` says, which linkers put at the start. Both of the machines we know are little-endian. */
function loaderIn(head: Buffer): string | undefined {
  const wide = head[4] === 2
  try {
    const word = (at: number) => (wide ? Number(head.readBigUInt64LE(at)) : head.readUInt32LE(at))
    const [first, size, count] = [
      word(wide ? 32 : 28),
      head.readUInt16LE(wide ? 54 : 42),
      head.readUInt16LE(wide ? 56 : 44)
    ]
    for (let index = 0; index < count; index++) {
      const at = first + index * size
      if (head.readUInt32LE(at) !== PT_INTERP) continue
      const [start, length] = [word(at + (wide ? 8 : 4)), word(at + (wide ? 32 : 16))]
      return start + length <= head.length ? head.toString('utf8', start, start + length - 1) : undefined
    }
  } catch (error) {
    // It goes on behind what was read.
    if (!(error instanceof RangeError)) throw error
  }
  return undefined
}
