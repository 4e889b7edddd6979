/**
 * What leaks out of a context has no network to go to: each scenario runs in a process whose home has none, once with
 * the privilege to go inside and once without any.
 */
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runOffline } from '../offline/offline.mjs'

const folder = fileURLToPath(new URL('./scenarios/', import.meta.url))

for (const file of readdirSync(folder)) {
  for (const brokered of [false, true]) {
    const results = await runOffline(folder + file, { brokered })
    describe(`${file.replace('.mjs', '')}${brokered ? ', without privileges' : ''}`, () => {
      for (const { name, error } of results) it(name, () => expect(error).toBeUndefined())
    })
  }
}
