/** Whole processes: an empty ESM program, one that imports this library, one that also makes the first native call. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { serve } from './serve.mjs'

serve({ empty: program('empty'), import: program('import'), 'first-call': program('first-call') })

function program(name) {
  const file = fileURLToPath(new URL(`./programs/${name}.mjs`, import.meta.url))
  return () => () => {
    const { status, stderr } = spawnSync(process.execPath, [file])
    if (status !== 0) throw new Error(String(stderr))
  }
}
