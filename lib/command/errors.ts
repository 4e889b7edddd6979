/** Errors of commands. */
import { coded, type ErrorRecord, NetnsError } from '../errors.ts'

/** A program that could not be started, in the shape of `child_process`, with the step that failed in the message. */
export function spawnFailed(record: ErrorRecord, file: string, args: readonly string[]): NetnsError {
  const short = `spawn ${file} ${record.code}`
  // `execve` is what everybody expects; other steps (chdir, setuid, move_mount, …) are worth telling.
  const message = record.syscall === 'execve' ? short : `spawn ${file} ${record.message}`
  const error = new NetnsError({ ...record, message, syscall: `spawn ${file}`, path: file })
  return Object.assign(error, { spawnargs: [...args] })
}

/** `ETIMEDOUT`: a program ran for longer than its `timeout`, and was killed. */
export function timedOut(file: string, timeout: number): NetnsError {
  const message = `spawn ${file} ETIMEDOUT: killed as it ran for longer than ${timeout} ms`
  return new NetnsError({ code: 'ETIMEDOUT', errno: -110, syscall: `spawn ${file}`, path: file, message })
}

/** `ERR_CHILD_PROCESS_STDIO_MAXBUFFER`, as Node's own. */
export function bufferExceeded(stream: 'stdout' | 'stderr'): RangeError {
  return coded(new RangeError(`${stream} maxBuffer length exceeded`), 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
}

/** `ERR_UNKNOWN_SIGNAL`, as Node's own. */
export function unknownSignal(signal: unknown): TypeError {
  return coded(new TypeError(`Unknown signal: ${String(signal)}`), 'ERR_UNKNOWN_SIGNAL')
}

/** `ERR_IPC_CHANNEL_CLOSED`, as Node's own. */
export function noChannel(): Error {
  return coded(new Error('Channel closed'), 'ERR_IPC_CHANNEL_CLOSED')
}
