/** iproute2: all commands by one program (`batch`), or one program for each (`single`). */
import { spawnSync } from 'node:child_process'
import { serve } from './serve.mjs'

const batch = process.argv[2] === 'batch'
const name = `bench-${process.argv[2]}`

function ip(args, input = '') {
  const { status, stderr } = spawnSync('ip', args, { input, stdio: ['pipe', 'ignore', 'pipe'] })
  if (status !== 0) throw new Error(String(stderr))
}

function all(lines) {
  if (batch) ip(['-n', name, '-batch', '-'], lines.join('\n'))
  else for (const line of lines) ip(['-n', name, ...line.split(' ')])
}

function time(work) {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start)
}

const wire = [
  'link add name a type veth peer name b',
  'address add 10.0.0.1/24 dev a',
  'address add 10.0.0.2/24 dev b',
  'link set dev a up',
  'link set dev b up'
]
const routes = (verb) =>
  Array.from({ length: 10_000 }, (_, i) => `route ${verb} 10.${100 + (i >> 8)}.${i & 255}.0/24 via 10.0.0.2`)

ip(['netns', 'add', name])
all(wire)
let full = false

function fill() {
  if (!full) all(routes('add'))
  full = true
}

await serve({
  pair: () => ({
    timed() {
      ip(['-n', name, 'link', 'delete', 'dev', 'a'])
      full = false
      return time(() => all(wire))
    }
  }),
  bulk: () => ({
    timed() {
      if (full) all(routes('delete'))
      full = true
      return time(() => all(routes('add')))
    }
  }),
  list: () => ({
    timed() {
      fill()
      return time(() => ip(['-n', name, 'route']))
    }
  })
})
ip(['netns', 'delete', name])
