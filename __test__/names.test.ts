import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { codeOf, directory, here, output } from './helpers.ts'

test('create, open, list and delete, both ways of calling', async () => {
  const options = { directory: directory() }
  for (const sync of [true, false]) {
    const create = async (name: string) =>
      sync ? NetNs.createSync({ name, ...options }) : NetNs.create({ name, ...options })
    await using red = await create('red')
    expect(red.name).toBe('red')
    expect(`${red}`).toBe(`red (${red.id})`)
    using again = NetNs.fromName('red', options)
    expect(again.equals(red)).toBe(true)
    const expected = [{ name: 'red', path: join(options.directory, 'red'), inode: red.inode, dev: red.dev }]
    expect(await NetNs.list(options)).toEqual(expected)
    expect(NetNs.listSync(options)).toEqual(expected)
    expect(await codeOf(() => create('red'))).toBe('EEXIST')
    if (sync) NetNs.deleteSync('red', options)
    else await NetNs.delete('red', options)
    expect(await codeOf(() => NetNs.fromName('red', options))).toBe('ENOENT')
    expect(red.runSync(here)).toBe(red.id)
  }
})

test('the default directory is made, and its shared mount', async () => {
  const source = `
    assert.deepEqual(await NetNs.list(), [])
    assert.ok(!fs.existsSync('/run/netns'))
    const red = await NetNs.create({ name: 'red' })
    assert.equal(here(), home)
    assert.deepEqual((await NetNs.list()).map(({ name, inode }) => [name, inode]), [['red', red.inode]])
    console.log(/^.* \\/run\\/netns .* shared:\\d+ .*$/m.test(fs.readFileSync('/proc/self/mountinfo', 'utf8')))
    await NetNs.delete('red')`
  // On a /run of its own, as other tests may have made it.
  const script = 'mount -t tmpfs netns /run && exec "$@"'
  const wrapper = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh']
  expect(await output(source, { wrapper })).toBe('true')
})

test('a namespace can have several names', async () => {
  const options = { directory: directory() }
  await using red = await NetNs.create({ name: 'one', ...options })
  await red.attach('two', options)
  red.attachSync('three', options)
  expect((await red.names(options)).sort()).toEqual(['one', 'three', 'two'])
  expect(await codeOf(() => red.attach('one', options))).toBe('EEXIST')
  for (const name of ['one', 'two', 'three']) await NetNs.delete(name, options)
  expect(await red.names(options)).toEqual([])
})

test('I6: the name of home is deleted only by force', async () => {
  const options = { directory: directory() }
  NetNs.home().attachSync('home', options)
  expect(await codeOf(() => NetNs.delete('home', options))).toBe('ERR_NETNS_HOME')
  expect(await codeOf(() => NetNs.deleteSync('home', options))).toBe('ERR_NETNS_HOME')
  await NetNs.delete('home', { ...options, force: true })
  expect(NetNs.listSync(options)).toEqual([])
})

test('I4: leftovers are listed apart and deleted; what is not ours is not touched', async () => {
  const options = { directory: directory() }
  writeFileSync(join(options.directory, 'stale'), '')
  writeFileSync(join(options.directory, 'data'), 'precious')
  mkdirSync(join(options.directory, 'folder'))
  symlinkSync('/nowhere', join(options.directory, 'link'))
  expect(await NetNs.list(options)).toEqual([])
  expect((await NetNs.listStale(options)).sort()).toEqual(['data', 'folder', 'link', 'stale'])
  await NetNs.delete('stale', options)
  await NetNs.delete('link', options)
  expect(await codeOf(() => NetNs.delete('data', options))).toBe('ERR_NETNS_NOT_NAMESPACE')
  expect(await codeOf(() => NetNs.delete('folder', options))).toBe('ERR_NETNS_NOT_NAMESPACE')
  expect((await NetNs.listStale(options)).sort()).toEqual(['data', 'folder'])
})

test('names are those that iproute2 takes', async () => {
  const options = { directory: directory() }
  for (const name of ['a b', '...', '-x', 'é', '\n', 'x'.repeat(255)]) {
    await using created = await NetNs.create({ name, ...options })
    expect(NetNs.listSync(options)).toEqual([expect.objectContaining({ name, inode: created.inode })])
    await NetNs.delete(name, options)
  }
  for (const name of ['', '.', '..', 'a/b', 'a\0b', 'x'.repeat(256), '\ud800']) {
    expect(await codeOf(() => NetNs.create({ name, ...options }))).toBe('ERR_INVALID_ARG_VALUE')
    expect(await codeOf(() => NetNs.delete(name, options))).toBe('ERR_INVALID_ARG_VALUE')
    expect(await codeOf(() => NetNs.fromName(name, options))).toBe('ERR_INVALID_ARG_VALUE')
  }
  expect(NetNs.listSync(options)).toEqual([])
})

test('twenty creations at once are all there', async () => {
  const options = { directory: directory() }
  const names = Array.from({ length: 20 }, (_, index) => `ns${index}`)
  await Promise.all(names.map((name) => NetNs.create({ name, ...options })))
  expect((await NetNs.list(options)).map(({ name }) => name).sort()).toEqual(names.sort())
  await Promise.all(names.map((name) => NetNs.delete(name, options)))
  expect(await NetNs.list(options)).toEqual([])
  expect(await NetNs.listStale(options)).toEqual([])
})
