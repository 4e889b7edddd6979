/** The standard streams: from what the caller wants to what native code takes. */
import type { Socket } from 'node:net'
import type { Stream } from 'node:stream'
import { builtin } from '../builtin.ts'
import { invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attempt } from '../native.ts'
import type { Launched } from './launcher.ts'

/** What one of the child's descriptors can be. */
export type StdioItem = 'pipe' | 'overlapped' | 'inherit' | 'ignore' | Stream | number | null | undefined
/** All of them. */
export type StdioOption = 'pipe' | 'overlapped' | 'inherit' | 'ignore' | readonly StdioItem[]

/** A pair of connected sockets. */
export const PIPE = -1
const NULL = -2
const INHERIT = -3
const CLOSED = -4
const AF_INET = 2
const SOCK_STREAM = 1

/** What native code takes: a descriptor of ours, or one of the numbers above. `usual` is what 0, 1 and 2 are unsaid. */
export function normalizeStdio(stdio: unknown, usual: 'pipe' | 'inherit'): number[] {
  if (stdio === undefined || typeof stdio === 'string') {
    const one = item(stdio ?? usual, 0, usual, 'options.stdio')
    return [one, one, one]
  }
  if (!Array.isArray(stdio)) throw invalidType('options.stdio', 'of type string or an instance of Array', stdio)
  const length = Math.max(3, stdio.length)
  return Array.from({ length }, (_, index) => item(stdio[index], index, usual, `options.stdio[${index}]`))
}

function item(wanted: unknown, index: number, usual: string, label: string): number {
  switch (wanted ?? (index < 3 ? usual : 'ignore')) {
    case 'pipe':
    case 'overlapped':
      return PIPE
    case 'inherit':
      return INHERIT
    case 'ignore':
      return index < 3 ? NULL : CLOSED
  }
  if (typeof wanted === 'string') throw invalidValue(label, wanted, "it must be 'pipe', 'inherit' or 'ignore'")
  const fd = typeof wanted === 'number' ? wanted : descriptorOf(wanted)
  if (fd === undefined) throw invalidType(label, 'of type string or number or a stream with a descriptor', wanted)
  if (!Number.isInteger(fd) || fd < 0 || fd > 2 ** 31 - 1) throw invalidValue(label, wanted, 'it has no descriptor')
  return fd
}

function descriptorOf(stream: unknown): number | undefined {
  if (typeof stream !== 'object' || stream === null) return undefined
  const { fd, _handle } = stream as { fd?: unknown; _handle?: { fd?: unknown } }
  if (typeof fd === 'number') return fd
  // A stream whose file is not open yet, or that was closed.
  return typeof _handle?.fd === 'number' ? _handle.fd : 'pipe' in stream ? -1 : undefined
}

/**
 * To be called before a child is started.
 *
 * @throws `ERR_ACCESS_DENIED` where Node's permission model lets nobody have a stream of a pipe: as in Node 26.12 without
 *   `--allow-net`
 */
export function provePipes(namespace: Namespace, stdio: readonly number[]): void {
  if (process.permission === undefined || !stdio.includes(PIPE)) return
  const { Socket } = builtin('net')
  const fd = attempt((native) => native.openSocket(namespace.handle, AF_INET, SOCK_STREAM))
  try {
    new Socket({ fd, readable: false, writable: false }).destroy()
  } catch (error) {
    builtin('fs').closeSync(fd)
    throw error
  }
}

/** This process's ends of the pipes, as the streams that Node makes of them. */
export function openPipes(stdio: readonly number[], child: Launched): (Socket | null)[] {
  if (!stdio.includes(PIPE)) return stdio.map(() => null)
  const { Socket } = builtin('net')
  return child.pipes().map((fd, index) => (fd < 0 ? null : new Socket({ fd, readable: index > 0, writable: true })))
}
