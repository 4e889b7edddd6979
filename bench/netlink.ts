/**
 * Configuration by netlink, side by side: ours from JavaScript, raw netlink (the kernel's own cost), Go's
 * vishvananda/netlink where Go is installed, `ip -batch` and `ip`. Rounds are interleaved, as the machine is noisy; the
 * best of each is compared, and the middle one shown.
 *
 * `npm run bench -- --only netlink`
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NetNs } from '../index.ts'

const ROUTES = 10_000
const root = fileURLToPath(new URL('..', import.meta.url))

type Operation = 'pair' | 'bulk' | 'list'

/** Somebody to measure: microseconds for an operation, `undefined` for what they do not offer. */
interface Contender {
  name: string
  measure(operation: Operation): Promise<number | undefined>
  end(): void
}

const spec = (i: number) => ({ to: `10.${100 + (i >> 8)}.${i & 255}.0/24`, via: '10.0.0.2', dev: 'a' })
const routes = Array.from({ length: ROUTES }, (_, i) => spec(i))

async function wire(left: NetNs, right: NetNs): Promise<void> {
  const peer = { name: 'b', netns: right, up: true, addresses: ['10.0.0.2/24'] }
  await left.links.add({ kind: 'veth', name: 'a', up: true, addresses: ['10.0.0.1/24'], peer })
}

/** The longest time for which the event loop did nothing else, in milliseconds, while `work` went on. */
async function longestBlock(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let going = true
  let last = performance.now()
  const look = () => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (going) setImmediate(look)
  }
  setImmediate(look)
  await work()
  going = false
  return longest
}

async function ours(): Promise<Contender> {
  const [left, right] = [NetNs.createSync(), NetNs.createSync()]
  await wire(left, right)
  let full = false
  const time = async (work: () => Promise<unknown>) => {
    const start = process.hrtime.bigint()
    await work()
    return Number(process.hrtime.bigint() - start) / 1000
  }
  return {
    name: 'node-netns',
    async measure(operation) {
      if (operation === 'list') return time(() => left.routes.list({ family: 4 }))
      if (operation === 'bulk') {
        if (full) await left.routes.delete(routes)
        full = true
        return time(() => left.routes.add(routes))
      }
      using a = NetNs.createSync()
      using b = NetNs.createSync()
      // As the others, with its sockets made before.
      await Promise.all([a.links.get('lo'), b.links.get('lo')])
      return await time(() => wire(a, b))
    },
    end: () => [left, right].map((ns) => ns.close())
  }
}

function program(name: string, file: string): Contender {
  const child: ChildProcessWithoutNullStreams = spawn(file)
  child.stderr.pipe(process.stderr)
  const lines = createInterface(child.stdout)
  return {
    name,
    async measure(operation) {
      child.stdin.write(`${operation}\n`)
      const [line] = await once(lines, 'line')
      return Number(line) / 1000
    },
    end: () => child.stdin.end()
  }
}

function iproute(batch: boolean): Contender {
  const ns = NetNs.createSync({ name: batch ? 'bench-batch' : 'bench-single' })
  const run = (args: string[], input = '') => {
    const { status, stderr } = ns.runSync(() => spawnSync('ip', args, { input, stdio: ['pipe', 'ignore', 'pipe'] }))
    if (status !== 0) throw new Error(String(stderr))
  }
  const make = [
    'link add name a type veth peer name b',
    'address add 10.0.0.1/24 dev a',
    'address add 10.0.0.2/24 dev b',
    'link set dev a up',
    'link set dev b up'
  ]
  const all = (verb: string) => routes.map(({ to }) => `route ${verb} ${to} via 10.0.0.2`).join('\n')
  run(['-batch', '-'], make.join('\n'))
  let full = false
  const time = (work: () => void) => {
    const start = process.hrtime.bigint()
    work()
    return Number(process.hrtime.bigint() - start) / 1000
  }
  return {
    name: batch ? 'ip -batch' : 'ip',
    async measure(operation) {
      if (operation === 'pair') {
        run(['link', 'delete', 'dev', 'a'])
        return time(() => {
          if (batch) run(['-batch', '-'], make.join('\n'))
          else for (const line of make) run(line.split(' '))
        })
      }
      if (!batch) return undefined
      if (operation === 'list') return time(() => run(['route']))
      if (full) run(['-batch', '-'], all('delete'))
      full = true
      return time(() => run(['-batch', '-'], all('add')))
    },
    end: () => ns.close()
  }
}

/** What `npm run bench` has built before, where there is a network. */
function built(name: string): string | undefined {
  const file = join(root, 'target', 'bench', name)
  return existsSync(file) ? file : undefined
}

const TITLES: Record<Operation, [string, number]> = {
  pair: ['a veth pair with addresses, up (µs)', 1],
  bulk: ['a route in a bulk of 10,000 (µs)', ROUTES],
  list: ['listing 10,000 routes (µs)', 1]
}
const ROUNDS: Record<Operation, number> = { pair: 40, bulk: 12, list: 25 }

/** Runs everything and prints a table; resolves with the figures. */
export async function run(): Promise<Record<string, Record<string, { best: number; median: number }>>> {
  const [raw, go] = [built('netlink-raw'), built('netlink-go')]
  const contenders = [await ours()]
  if (raw !== undefined) contenders.push(program('raw netlink (Rust)', raw))
  if (go !== undefined) contenders.push(program('vishvananda/netlink (Go)', go))
  else console.log('Without Go: vishvananda/netlink is left out.')
  contenders.push(iproute(true), iproute(false))
  const figures: Record<string, Record<string, { best: number; median: number }>> = {}
  for (const operation of ['pair', 'bulk', 'list'] as const) {
    const [title, share] = TITLES[operation]
    const taken = new Map<string, number[]>(contenders.map(({ name }) => [name, []]))
    for (let round = 0; round < ROUNDS[operation]; round++) {
      for (const contender of contenders) {
        const time = await contender.measure(operation)
        // The first rounds warm up caches and compilers.
        if (time !== undefined && round > 2) taken.get(contender.name)?.push(time / share)
        // The kernel takes namespaces down behind our back: give it time between timed calls.
        await new Promise((resolve) => setTimeout(resolve, operation === 'pair' ? 30 : 5))
      }
    }
    console.log(`\n${title}`)
    const rows: Record<string, { best: number; median: number }> = {}
    for (const [name, times] of taken) {
      if (times.length === 0) continue
      times.sort((a, b) => a - b)
      rows[name] = { best: times[0] as number, median: times[times.length >> 1] as number }
    }
    const own = rows['node-netns'] as { best: number; median: number }
    for (const [name, { best, median }] of Object.entries(rows)) {
      const ratio = `ours / theirs: ${(own.best / best).toFixed(2)} best, ${(own.median / median).toFixed(2)} median`
      console.log(`  ${name.padEnd(26)} ${best.toFixed(1).padStart(10)} ${median.toFixed(1).padStart(10)}   ${ratio}`)
    }
    figures[operation] = rows
  }
  await blocks()
  for (const contender of contenders) contender.end()
  return figures
}

async function blocks(): Promise<void> {
  const [left, right] = [NetNs.createSync(), NetNs.createSync()]
  await wire(left, right)
  const measured: Record<string, number[]> = { 'nothing at all': [], add: [], list: [], delete: [] }
  for (let round = 0; round < 12; round++) {
    measured['nothing at all']?.push(await longestBlock(() => new Promise((resolve) => setTimeout(resolve, 50))))
    measured['add']?.push(await longestBlock(() => left.routes.add(routes)))
    measured['list']?.push(await longestBlock(() => left.routes.list()))
    measured['delete']?.push(await longestBlock(() => left.routes.delete(routes)))
  }
  console.log('\nthe longest block of the event loop, 10,000 routes at once (ms: best round, middle one)')
  for (const [name, times] of Object.entries(measured)) {
    times.sort((a, b) => a - b)
    console.log(
      `  ${name.padEnd(26)} ${times[0]?.toFixed(2).padStart(10)} ${times[times.length >> 1]?.toFixed(2).padStart(10)}`
    )
  }
  for (const ns of [left, right]) ns.close()
}
