/** Which of Node's test files are about what. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How the names of a family's files begin, after `test-`. */
export const families = {
  net: ['net', 'tcp', 'pipe', 'socket', 'blocklist'],
  dgram: ['dgram'],
  http: ['http'],
  https: ['https'],
  tls: ['tls'],
  http2: ['http2'],
  'child-process': ['child-process'],
  worker: ['worker'],
  fetch: ['fetch', 'websocket', 'eventsource', 'undici'],
  dns: ['dns', 'c-ares'],
  cluster: ['cluster']
}

/** The files of these families: those that Node runs side by side first, then those that want to be alone. */
export function findTests(directory, only) {
  return ['parallel', 'sequential'].flatMap((folder) =>
    readdirSync(join(directory, folder))
      .sort()
      .flatMap((file) => {
        const [, name, start] = /^(test-(.+))\.m?js$/.exec(file) ?? []
        const family = only.find((family) => families[family].some((word) => `${start}-`.startsWith(`${word}-`)))
        if (name === undefined || family === undefined) return []
        const path = join(directory, folder, file)
        return [{ name, family, path, alone: folder === 'sequential', ...readHeader(path) }]
      })
  )
}

/** `// Flags: --expose-gc` and `// Env: A=1 B=2`, as Node's own runner reads them. */
function readHeader(path) {
  const source = readFileSync(path, 'utf8')
  const words = (label) =>
    [...source.matchAll(new RegExp(`//\\s+${label}:(.*)`, 'g'))].flatMap(([, line]) => split(line))
  return { flags: words('Flags'), env: Object.fromEntries(words('Env').map((pair) => pair.split(/=(.*)/s, 2))) }
}

function split(line) {
  return line.trim().split(/\s+/).filter(Boolean)
}
