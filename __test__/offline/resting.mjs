/** How scenarios wait until nothing is followed any more, and see where what carries on afterwards is. */
import { setTimeout as sleep } from 'node:timers/promises'
import { NetNs } from 'node-netns'
import { ask, namespace, saying } from './kit.mjs'

/** Where Node counts hooks, if it shows that. */
export const shown = shownBinding()

function shownBinding() {
  process.noDeprecation = true
  try {
    return process.binding('async_wrap')
  } catch {
    return undefined
  } finally {
    delete process.noDeprecation
  }
}

/** How many hooks Node calls for each resource. Newer ones need none for contexts, and show none. */
export function followers() {
  return shown === undefined ? 0 : shown.async_hook_fields[shown.constants.kInit]
}

/** Has the collector find what is gone, and say so. */
export async function collect() {
  for (let round = 0; round < 3; round += 1) {
    gc()
    await sleep(1)
  }
}

/** Until nothing is followed. */
export async function rest() {
  while (followers() > 0) await collect()
}

/** Contexts of somebody else's begin and end. */
export async function churn() {
  const other = namespace()
  for (let round = 0; round < 3; round += 1) {
    other.run(() => new FinalizationRegistry(() => {}).register({}, 0))
    await collect()
  }
}

/** A promise, and what resolves it. */
export function deferred() {
  const made = {}
  made.promise = new Promise((resolve) => Object.assign(made, { resolve }))
  return made
}

/** A function to be called inside, and what is then seen there: where, and what a server there says a little later. */
export function witness() {
  const { promise, resolve } = deferred()
  const look = async () => {
    const before = NetNs.current().id
    const { port } = await saying('inside')
    await sleep(1)
    resolve([before, await ask(port, '127.0.0.1'), NetNs.current().id])
  }
  return { seen: promise, back: () => void look() }
}
