/** Calls that are made often find what they are given in memory that every caller of a thread writes to. */
import { NetNs } from 'node-netns'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeOf, message, output, worker } from './helpers.ts'

/** Short after long, and what is not a byte a letter: each in as many ways as there are to hand it over. */
const names = ['x'.repeat(255), '€'.repeat(85), 'a-long-one', 'short', 'é', '雨', '😀', '\x7f', '\x80', 'aé', 'éa', '-']
const made = new Map<string, NetNs>()

beforeAll(() => {
  for (const name of names) made.set(name, NetNs.createSync({ name }))
})

afterAll(() => {
  for (const [name, namespace] of made) {
    NetNs.deleteSync(name)
    namespace.close()
  }
})

test('a name opens its own namespace, whichever was opened before', () => {
  for (const before of names) {
    for (const name of names) {
      NetNs.fromName(before).close()
      using opened = NetNs.fromName(name)
      expect(opened.inode).toBe(made.get(name)?.inode)
      expect(opened.name).toBe(name)
    }
  }
})

test('a name that cannot be one is refused, and opens nothing that was opened before', async () => {
  for (const name of [
    '',
    '.',
    '..',
    'short/',
    'short\0',
    'x'.repeat(256),
    '€'.repeat(86),
    '\ud800',
    'a\udc00',
    '😀\ud83d'
  ]) {
    NetNs.fromName('short').close()
    expect(await codeOf(() => NetNs.fromName(name))).toBe('ERR_INVALID_ARG_VALUE')
  }
  for (const name of ['shor', 'short-', 'x'.repeat(254)]) {
    NetNs.fromName('short').close()
    expect(await codeOf(() => NetNs.fromName(name))).toBe('ENOENT')
  }
})

test('what is asked for while another call prepares does not mix with it', () => {
  const options = {
    get directory() {
      NetNs.fromName('é').close()
      NetNs.fromName('a-long-one').runSync(() => NetNs.fromName('-').close())
      return '/run/netns'
    }
  }
  using opened = NetNs.fromName('short', options)
  expect(opened.inode).toBe(made.get('short')?.inode)
})

test('Workers write to memory of their own', async () => {
  const source = `
    let right = 0
    parentPort.once('message', () => {
      for (let round = 0; round < 500; round++) {
        const opened = NetNs.fromName(workerData.name)
        if (opened.inode === workerData.inode && opened.runSync(here) === opened.id) right++
        opened.close()
      }
      parentPort.postMessage(right)
    })
    parentPort.postMessage('ready')`
  const own = names.slice(0, 4)
  const workers = own.map((name) => worker(source, { name, inode: made.get(name)?.inode }))
  await Promise.all(workers.map(message))
  const results = workers.map(message)
  for (const each of workers) each.postMessage('go')
  expect(await Promise.all(results)).toEqual(own.map(() => 500))
  await Promise.all(workers.map((each) => each.terminate()))
})

test('copies of the library on one thread share it, and each calls back its own functions', async () => {
  const source = `
    // As where the global object is another, in a context of vm's: that there is one already is not found.
    globalThis[Symbol.for('node-netns libraries')].length = 0
    const other = await import(import.meta.resolve('node-netns') + '?another')
    assert.notEqual(other.NetNs, NetNs)
    const [red, blue] = [NetNs.createSync({ name: 'red' }), other.NetNs.createSync({ name: 'blue' })]
    for (let round = 0; round < 100; round++) {
      assert.equal(red.runSync(here), red.id)
      assert.equal(blue.runSync(here), blue.id)
      assert.deepEqual(red.runSync(() => [here(), blue.runSync(here), here()]), [red.id, blue.id, red.id])
      assert.throws(() => red.runSync(() => blue.runSync(() => { throw new RangeError('mine') })), { message: 'mine' })
      for (const [library, name, made] of [[NetNs, 'blue', blue], [other.NetNs, 'red', red]]) {
        const opened = library.fromName(name)
        assert.equal(opened.inode, made.inode)
        opened.close()
      }
    }
    assert.equal(here(), home)
    console.log('done')`
  const script = 'mount -t tmpfs netns /run && exec "$@"'
  const wrapper = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh']
  expect(await output(source, { wrapper })).toBe('done')
})

test('a copy that is used for the first time inside a section of another one shares it, too', async () => {
  const source = `
    globalThis[Symbol.for('node-netns libraries')].length = 0
    const other = await import(import.meta.resolve('node-netns') + '?another')
    assert.notEqual(other.NetNs, NetNs)
    const [red, blue] = [NetNs.createSync(), other.NetNs.createSync()]
    assert.deepEqual(red.runSync(() => [here(), blue.runSync(here), here()]), [red.id, blue.id, red.id])
    const { id } = red
    const closedInside = () => {
      red.close()
      return [here(), blue.runSync(here), here()]
    }
    assert.deepEqual(red.runSync(closedInside), [id, blue.id, id])
    assert.equal(here(), home)
    console.log('done')`
  expect(await output(source)).toBe('done')
})

test('environments on one thread, as frames of Electron may have, have memory and handles of their own', async () => {
  const source = `
    NetNs.current()
    const [file] = process.report.getReport().sharedObjects.filter((path) => path.endsWith('.node'))
    const environment = () => {
      const module = { exports: {} }
      process.dlopen(module, file)
      const offered = { number: new Uint32Array(1), letters: new Uint8Array(255), call: () => offered.callback() }
      const { given, runInside, closeSlot } = module.exports.often(offered)
      assert(given === offered)
      assert(module.exports.often({ ...offered }).given === offered)
      const slot = module.exports.createSync(true)
      const run = (callback) => {
        given.number[0] = slot
        given.callback = callback
        return runInside()
      }
      const close = () => {
        given.number[0] = slot
        closeSlot()
      }
      return { slot, run, close }
    }
    const [red, blue] = [environment(), environment()]
    assert.equal(red.slot, blue.slot)
    const [inRed, inBlue] = [red.run(here), blue.run(here)]
    assert.equal(new Set([home, inRed, inBlue]).size, 3)
    assert.deepEqual(red.run(() => [here(), blue.run(here), here()]), [inRed, inBlue, inRed])
    assert.equal(here(), home)
    red.close()
    assert.throws(() => red.run(here), /closed/)
    assert.equal(blue.run(here), inBlue)
    console.log('done')`
  expect(await output(source)).toBe('done')
})
