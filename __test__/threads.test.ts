import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { directory, eventually, here, message, output, strays, worker } from './helpers.ts'

const home = here()

/** One of each, and then whatever makes threads in Node itself. */
const OPERATIONS = `
  const directory = fs.mkdtempSync('/run/netns-threads-')
  const red = NetNs.createSync({ name: 'red', directory })
  const check = (what) => assert.deepEqual(strays(), [], what)
  const operations = {
    handles: () => { NetNs.current().cookie; NetNs.home(); NetNs.fromPid(process.pid).owner(); red.cookie },
    create: () => NetNs.create(),
    createSync: () => NetNs.createSync(),
    createNamed: () => NetNs.create({ name: 'blue', directory }),
    list: () => NetNs.list({ directory }),
    names: () => red.names({ directory }),
    pids: () => red.pids(),
    delete: () => NetNs.delete('blue', { directory }),
    probe: () => probe({ directory }),
    runSync: () => red.runSync(() => {}),
    nested: () => red.runSync(() => NetNs.createSync().runSync(() => NetNs.createSync())),
    throws: () => { try { red.runSync(() => { throw 1 }) } catch {} },
    fails: () => NetNs.create({ name: 'red', directory }).catch(() => {}),
    insideFs: () => red.runSync(() => fs.promises.stat('/')).catch(() => {}),
    insideStat: () => red.runSync(() => { fs.stat('/', () => {}) }),
    insideCreate: () => { let made; red.runSync(() => { made = NetNs.create() }); return made },
    insideCrypto: () => red.runSync(() => { crypto.randomBytes(16, () => {}) }),
    insideZlib: () => red.runSync(() => { zlib.gzip('text', () => {}) }),
    insideLookup: () => red.runSync(() => { dns.lookup('localhost', () => {}) }),
    watch: async () => {
      const events = NetNs.watch({ directory })
      const step = events.next()
      await NetNs.delete('red', { directory })
      await step
      await events.return()
    }
  }
`
const IMPORTS = "import crypto from 'node:crypto'; import dns from 'node:dns'; import zlib from 'node:zlib';"

test('I1: no operation leaves a thread elsewhere, cold pool', async () => {
  // Each as the very first thing that a process does.
  const names = [
    'create',
    'createSync',
    'runSync',
    'insideFs',
    'insideStat',
    'insideCreate',
    'insideCrypto',
    'insideZlib',
    'insideLookup',
    'probe'
  ]
  for (const name of names) {
    const source = `${IMPORTS}
      import { createRequire } from 'node:module'
      ${OPERATIONS.replace("const red = NetNs.createSync({ name: 'red', directory })", "let made; const red = new Proxy({}, { get: (_, key) => { made ??= NetNs.createSync(); const value = made[key]; return typeof value === 'function' ? value.bind(made) : value } })")}
      try { await operations['${name}']() } catch (error) { if (error.code !== 'ERR_NETNS_ASYNC') throw error }
      await new Promise((resolve) => setTimeout(resolve, 20))
      check('${name}')
      console.log('home')
    `
    expect(await output(source), name).toBe('home')
  }
})

test('I1: no operation leaves a thread elsewhere, warm pool', async () => {
  const source = `${IMPORTS}
    ${OPERATIONS}
    await fs.promises.stat('/')
    for (const [name, operation] of Object.entries(operations)) {
      try { await operation() } catch (error) { if (error.code !== 'ERR_NETNS_ASYNC') throw error }
      check(name)
    }
    console.log('home')
  `
  expect(await output(source)).toBe('home')
})

test('I1: 200 sections in a row, each checked', () => {
  using red = NetNs.createSync()
  for (let round = 0; round < 200; round++) {
    expect(red.runSync(here)).toBe(red.id)
    expect(strays(home)).toEqual([])
  }
})

test('I1: sections of eight Workers at once go each to its own and back', async () => {
  const source = `
    const own = NetNs.createSync()
    const seen = { inside: 0, back: 0 }
    parentPort.once('message', () => {
      for (let round = 0; round < 200; round++) {
        if (own.runSync(here) === own.id) seen.inside++
        if (here() === workerData) seen.back++
      }
      parentPort.postMessage(seen)
      setInterval(() => {}, 1e6)
    })
    parentPort.postMessage('ready')`
  const workers = Array.from({ length: 8 }, () => worker(source, home))
  await Promise.all(workers.map(message))
  const results = workers.map(message)
  for (const each of workers) each.postMessage('go')
  for (const result of await Promise.all(results)) expect(result).toEqual({ inside: 200, back: 200 })
  expect(strays(home)).toEqual([])
  await Promise.all(workers.map((each) => each.terminate()))
})

test('I1: a hundred creations under load leave every thread at home', async () => {
  const options = { directory: directory() }
  const jobs = Array.from({ length: 100 }, async (_, index) => {
    const name = `ns${index}`
    const made = await NetNs.create(index % 2 ? { name, ...options } : undefined)
    made.runSync(() => {})
    if (index % 2) await NetNs.delete(name, options)
    made.close()
  })
  await Promise.all(jobs)
  // A member of the crew may still be on its way back from the last one.
  expect(await eventually(() => strays(home).length === 0)).toBe(true)
})
