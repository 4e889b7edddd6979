/** Finds all that the library loads later half loaded, as a timeout of vm's leaves it, and uses it. */
import { readdirSync } from 'node:fs'
import { createRequire, Module } from 'node:module'
import { dirname, join } from 'node:path'
import { NetNs } from 'node-netns'

const require = createRequire(import.meta.url)
const dist = dirname(require.resolve('node-netns'))
const root = dirname(dist)
const half = (path, parent) => {
  require.cache[path] = new Module(path, parent)
  return require.cache[path]
}

for (const file of readdirSync(join(dist, 'lib'))) half(join(dist, 'lib', file))
const loader = half(join(root, 'native.cjs'))
for (const file of readdirSync(root)) if (file.endsWith('.node')) half(join(root, file), loader)

const red = NetNs.createSync()
await red.run(async () => {
  await red.command('true').output()
  await red.links.list()
})
red.http.createServer()
console.log('whole')
