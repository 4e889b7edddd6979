import { expect, test } from 'vitest'
import { output } from './helpers.ts'

/** Counts of what a process holds, which must be back where they were. */
const COUNTS = `
  const directory = fs.mkdtempSync('/run/netns-leaks-')
  const options = { directory }
  const tasks = () => fs.readdirSync('/proc/self/task').flatMap((tid) => {
    try { return [fs.readFileSync('/proc/self/task/' + tid + '/comm', 'utf8').trim()] } catch { return [] }
  })
  const counts = () => ({
    descriptors: fs.readdirSync('/proc/self/fd').length,
    threads: tasks().filter((name) => name !== 'netns-crew').length,
    // Up to four, made when there is more to do at once than they can take.
    crew: Math.max(4, tasks().filter((name) => name === 'netns-crew').length),
    mounts: fs.readFileSync('/proc/self/mountinfo', 'utf8').split(directory + '/').length,
    names: fs.readdirSync(directory).length
  })
  const eventually = async (holds) => {
    for (const until = Date.now() + 30_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 20)))
      if (Date.now() > until) return false
    return true
  }
  const settled = async (before) => {
    // Fewer is no leak: what was still ending when it was counted first is gone now.
    const back = () => Object.entries(counts()).every(([what, count]) => count <= before[what])
    if (!(await eventually(back))) assert.deepEqual(counts(), before)
    assert.deepEqual(strays(), [])
    console.log('settled')
  }
`

test('I7: 10,000 handles opened and closed, every way', async () => {
  const source = `${COUNTS}
    const red = await NetNs.create({ name: 'red', ...options })
    const open = [
      () => NetNs.current(), () => NetNs.home(), () => NetNs.fromName('red', options), () => NetNs.fromPid(process.pid),
      () => NetNs.fromPath(directory + '/red'), () => NetNs.fromThread(process.pid, process.pid), () => NetNs.fromFd(red.fd)
    ]
    const cycle = (round) => {
      const handle = open[round % open.length]()
      assert(handle.fd > 2 && handle.equals(handle))
      handle.close()
    }
    red.runSync(() => {})
    open.forEach((_, round) => cycle(round))
    const before = counts()
    for (let round = 0; round < 10_000; round++) cycle(round)
    for (let round = 0; round < 10_000; round++) red.runSync(() => {})
    for (let round = 0; round < 1_000; round++) {
      try { NetNs.fromPath('/proc/cpuinfo') } catch {}
      try { NetNs.fromPid(2 ** 31 - 1) } catch {}
      try { NetNs.fromFd(999) } catch {}
    }
    await settled(before)
  `
  expect(await output(source)).toBe('settled')
})

/** Makes namespaces where only forty are allowed, so that it ends only if they are freed. */
const FEW = [
  'unshare',
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  'sh',
  '-ec',
  'echo 40 > /proc/sys/user/max_net_namespaces; exec "$@"',
  'sh'
]
const MAKE = `
  const make = async (create) => {
    for (let made; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
      try { made = await create() } catch (error) { if (error.code !== 'ENOSPC') throw error; continue }
      return made
    }
  }
`

test('I7: 1,000 namespaces made and closed', async () => {
  const source = `${COUNTS}${MAKE}
    for (let round = 0; round < 20; round++) (await NetNs.create()).close()
    NetNs.createSync().runSync(() => {})
    await new Promise((resolve) => setTimeout(resolve, 50))
    const all = Array.from({ length: 8 }, () => NetNs.create())
    for (const made of await Promise.all(all)) made.close()
    const before = counts()
    for (let round = 0; round < 1_000; round++)
      (await make(() => (round % 2 ? NetNs.create() : NetNs.createSync()))).close()
    await settled(before)
    const held = []
    for (let count = 0; count < 30; count++) held.push(await make(() => NetNs.create()))
    console.log('room')
  `
  expect(await output(source, { wrapper: FEW })).toBe('settled\nroom')
})

test('I7: 300 names made and deleted, with their mounts', async () => {
  const source = `${COUNTS}${MAKE}
    const cycle = async (round) => {
      const name = 'ns' + round
      const made = await make(() => (round % 2 ? NetNs.create({ name, ...options }) : NetNs.createSync({ name, ...options })))
      assert.equal((await NetNs.list(options)).length, 1)
      await made.attach('also', options)
      made.close()
      if (round % 2) await NetNs.delete(name, options)
      else NetNs.deleteSync(name, options)
      await NetNs.delete('also', options)
    }
    for (let round = 0; round < 20; round++) await cycle(round)
    const before = counts()
    for (let round = 0; round < 300; round++) await cycle(round)
    await settled(before)
  `
  expect(await output(source, { wrapper: FEW })).toBe('settled')
})

test('I7: handles that are forgotten are closed by the collector', async () => {
  const source = `${COUNTS}
    NetNs.current().fd
    const before = counts()
    for (let round = 0; round < 100; round++) NetNs.createSync().fd
    assert(counts().descriptors >= before.descriptors + 200)
    await eventually(() => { gc(); return counts().descriptors <= before.descriptors })
    assert(counts().descriptors <= before.descriptors)
    console.log('collected')
  `
  expect(await output(source, { flags: ['--expose-gc'] })).toBe('collected')
})

test('I7: a program that replaces iterators is not called by what looks after its handles', async () => {
  const source = `
    const found = Array.prototype[Symbol.iterator]
    let called = 0
    const handle = NetNs.createSync()
    handle.fd
    Array.prototype[Symbol.iterator] = () => called++
    process.on('unhandledRejection', () => called++)
    await new Promise((resolve) => setImmediate(resolve))
    Array.prototype[Symbol.iterator] = found
    console.log(called)
  `
  expect(await output(source)).toBe('0')
})

test('I7: nothing of ours is inherited by a child', async () => {
  const source = `
    import { execFileSync } from 'node:child_process'
    const handles = [NetNs.current(), NetNs.createSync(), await NetNs.create()]
    handles.forEach((handle) => handle.fd)
    NetNs.watch({ directory: '/run/netns-leaks-watch' }).next()
    const list = () => execFileSync('sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' })
    assert.doesNotMatch(list() + handles[1].runSync(list), /net:|inotify|eventfd|mountinfo/)
    console.log('nothing')
    process.exit(0)
  `
  expect(await output(source)).toBe('nothing')
})
