/** Libraries, unmodified, in a process whose home has no network. */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runOffline } from '../offline/offline.mjs'

const folder = fileURLToPath(new URL('./libraries/', import.meta.url))

for (const file of readdirSync(folder)) {
  const results = await runOffline(folder + file)
  describe(file.replace('.mjs', ''), () => {
    for (const { name, error } of results) it(name, () => expect(error).toBeUndefined())
  })
}
