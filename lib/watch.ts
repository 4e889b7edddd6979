/** Names as they come and go. */
import { attempt, attemptAsync } from './native.ts'
import type { NameEvent } from './registry.ts'

/**
 * Watches a directory of names from now on: what changes before the first event is asked for is not lost.
 *
 * @throws the signal's reason, from the pending and the next step, once it is aborted.
 */
export function watchNames(directory: string, signal: AbortSignal | undefined): AsyncIterableIterator<NameEvent> {
  signal?.throwIfAborted()
  const watcher = attempt((native) => new native.Watcher(directory))
  const stop = () => watcher.stop()
  const events = follow()
  return {
    next: () => events.next(),
    async return() {
      // A pending step would hold up the generator's own return until a name changes.
      stop()
      await events.return(undefined)
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }

  async function* follow(): AsyncGenerator<NameEvent, undefined> {
    try {
      // From the first step on, so that a long-lived signal does not keep a watch that nobody follows.
      signal?.throwIfAborted()
      signal?.addEventListener('abort', stop, { once: true })
      while (true) {
        const batch = await attemptAsync(() => watcher.next())
        signal?.throwIfAborted()
        if (batch.length === 0) return undefined
        yield* batch as NameEvent[]
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      stop()
    }
  }
}
