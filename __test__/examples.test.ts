/** Every example runs, says what it is to show, and ends by itself. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Root may become an ordinary user. Whoever runs these tests as one is root in a user namespace of one user only. */
const users = Number(readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/)[2])
const ordinary = [
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=-all',
  '--bounding-set=-all'
]

const EXAMPLES: Record<string, RegExp> = {
  router: /three: two was asked by 10\.0\.2\.2\nThe router forwarded all of it\.\n$/,
  bridge: /hello, 10\.0\.0\.4\nthe bridge knows 4 ports by now\n$/,
  'lossy-link': /^as it is: 65536 bytes in \d+ ms\nwith.* 65536 bytes in \d+ ms\n$/
}

test.each(
  Object.entries(EXAMPLES).flatMap(([name, said]) => [
    { name, said, as: 'root', command: [] },
    ...(users > 65_534 ? [{ name, said, as: 'an ordinary user', command: ordinary }] : [])
  ])
)('the example $name runs as $as', { timeout: 60_000 }, ({ name, said, command }) => {
  // As tsx would, which takes longer to start than an example to run.
  const { code } = transformSync(readFileSync(`${root}examples/${name}.ts`, 'utf8'), { loader: 'ts', format: 'esm' })
  const [file = '', ...args] = [...command, process.execPath, '--input-type=module']
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: root, encoding: 'utf8', input: code })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(said)
})
