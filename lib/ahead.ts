/**
 * What is loaded ahead of its first use, when there is nothing else to do: the files that contexts are made by, as to
 * compile them is most of what a first context takes. Nothing of Node's is touched by that.
 */
import { setTimeout } from './clock.ts'
import { parts } from './parts.ts'

let isDue = true

/**
 * To be called for a handle of another namespace. What it is for may be contexts, if the program has loaded sockets; where
 * it has not, nothing is loaded for it, and no process is kept alive for it.
 */
export function loadAhead(): void {
  if (!isDue) return
  isDue = false
  // No `setImmediate`, which either keeps the process alive or waits for something else to happen. In other
  // runtimes a timer may be no object.
  setTimeout(load).unref?.()
}

function load(): void {
  const { moduleLoadList } = process as { moduleLoadList?: unknown }
  const isLoaded = (name: string) => Array.isArray(moduleLoadList) && moduleLoadList.includes(`NativeModule ${name}`)
  if (!isLoaded('net')) return
  try {
    void parts.context
    if (isLoaded('worker_threads')) void parts.web
  } catch {
    // Whoever needs them is told.
  }
}
