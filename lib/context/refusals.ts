/** Why a UDP socket was not bound: Node makes an error of a number, which cannot say what is wrong, and ours takes its place. */
import type { AnyFunction } from './patches.ts'

interface Socket {
  emit: AnyFunction
}

/** The one whose `bindSync` is running, and what was thrown at it. */
let atOnce: { socket: object; refusal?: { error: unknown } } | undefined

/** Node tells the socket by an `'error'` right after this, or throws, if it was asked to bind it at once. */
export function tellBinding(_handle: object, socket: Socket | undefined, error: unknown): void {
  if (socket === undefined) throw error
  if (atOnce?.socket === socket) {
    atOnce.refusal = { error }
    return
  }
  const own = Object.getOwnPropertyDescriptor(socket, 'emit')
  const { emit } = socket
  const value = (event: unknown, ...values: unknown[]) => {
    if (own === undefined) Reflect.deleteProperty(socket, 'emit')
    else Object.defineProperty(socket, 'emit', own)
    return event === 'error' ? emit.call(socket, event, error) : emit.call(socket, event, ...values)
  }
  Object.defineProperty(socket, 'emit', { value, configurable: true, writable: true })
}

/** What `bindSync` becomes: it throws why. */
export function refusing(bindSync: AnyFunction): AnyFunction {
  return function (this: object, ...args: unknown[]) {
    const outer = atOnce
    const own: NonNullable<typeof atOnce> = { socket: this }
    atOnce = own
    try {
      return bindSync.apply(this, args)
    } catch (thrown) {
      throw own.refusal === undefined ? thrown : own.refusal.error
    } finally {
      atOnce = outer
    }
  }
}
