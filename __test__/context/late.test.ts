/** What a program loads of Node only after contexts were used is in them too, from its first use on. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { offlineArgv } from '../offline/offline.mjs'

const program = fileURLToPath(new URL('./programs/late-modules.mjs', import.meta.url))

/** What is found in two namespaces, and at home, which has no network. */
const found: Record<string, unknown[]> = {
  net: ['red', 'blue', 'ENETUNREACH'],
  http: ['red', 'blue', 'ENETUNREACH'],
  https: ['red', 'blue', 'as at home'],
  dgram: ['red', 'blue', 'ENETUNREACH'],
  dns: ['192.0.2.1', '192.0.2.2', 'EAI_AGAIN'],
  'dns/promises': ['192.0.2.1', '192.0.2.2', 'EAI_AGAIN'],
  worker_threads: ['red', 'blue', 'home'],
  child_process: ['red', 'blue', 'home'],
  cluster: ['red', 'blue', 'home'],
  os: ['lo', 'lo', ''],
  inspector: ['ERR_NETNS_NOT_COVERED', 'ERR_NETNS_NOT_COVERED', 'open']
}
const modules = Object.keys(found)

async function run(module: string, way: string, where: string, before?: string): Promise<unknown> {
  const flags = before === undefined ? [] : ['--import', `data:text/javascript,${encodeURIComponent(before)}`]
  // The names of namespaces too are this process's own.
  const mounted = ['sh', '-ec', 'mkdir -p /run/netns && mount -t tmpfs netns /run/netns && exec "$@"', 'sh']
  const [file, ...args] = offlineArgv([...mounted, process.execPath, ...flags, program, module, way, where])
  const { stdout } = await promisify(execFile)(file, args)
  return JSON.parse(stdout)
}

describe.each(modules)('%s, loaded for the first time', (module) => {
  it.each(['inside', 'outside'])('%s', async (where) => {
    expect(await run(module, 'import()', where)).toEqual(found[module])
  })
})

describe.each(['an import of a module', 'require', 'getBuiltinModule'])('loaded by %s', (way) => {
  it.each(['net', 'worker_threads', 'child_process'])('%s', async (module) => {
    expect(await run(module, way, 'inside')).toEqual(found[module])
  })
})

describe.each([
  ['shows no list of what it has loaded', "Object.defineProperty(process, 'moduleLoadList', { value: undefined })"],
  [
    'shows one that is not its own',
    "Object.defineProperty(process, 'moduleLoadList', { value: [...process.moduleLoadList] })"
  ],
  ['shows one that is incomplete', 'process.moduleLoadList.length = 0'],
  ['shows no bindings', 'process.binding = undefined']
])('on a Node that %s', (_, before) => {
  it.each(['http', 'dns/promises', 'worker_threads', 'child_process', 'inspector'])('%s', async (module) => {
    expect(await run(module, 'import()', 'inside', before)).toEqual(found[module])
  })
})

it('what cannot be hooked when it is loaded is refused in contexts, and works outside', async () => {
  expect(await run('worker_threads', 'import()', 'loaded in a broken runtime')).toEqual(['BROKEN', 'BROKEN', 'home'])
})

it('what cannot be found out of Workers with the first one is refused, and looked for again with the next', async () => {
  const where = 'first used in a broken runtime'
  expect(await run('worker_threads', 'import()', where)).toEqual(['BROKEN', 'blue', 'home'])
})
