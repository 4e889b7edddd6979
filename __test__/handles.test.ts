import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { codeOf, directory, here, message, output, worker } from './helpers.ts'

test('current and home are where this thread and this process are', () => {
  using current = NetNs.current()
  using home = NetNs.home()
  expect(current.id).toBe(here())
  expect(home.equals(current)).toBe(true)
})

test('the same namespace is found by path, URL, buffer, pid, thread and descriptor', () => {
  const fd = openSync('/proc/self/ns/net', 'r')
  const path = '/proc/self/ns/net'
  const handles = [
    NetNs.fromPath(path),
    NetNs.fromPath(pathToFileURL('/proc/thread-self/ns/net')),
    NetNs.fromPath(Buffer.from(path)),
    NetNs.fromPid(process.pid),
    NetNs.fromThread(process.pid, process.pid),
    NetNs.fromFd(fd)
  ]
  closeSync(fd)
  for (const handle of handles) {
    expect(handle.equals(NetNs.current())).toBe(true)
    handle.close()
  }
})

test('a child started inside is found by its pid, and lists itself', async () => {
  await using red = await NetNs.create()
  const child = red.runSync(() => spawn('sleep', ['60']))
  const pid = child.pid as number
  using found = NetNs.fromPid(pid)
  expect(found.equals(red)).toBe(true)
  expect(await red.pids()).toEqual([pid])
  child.kill()
  await new Promise((resolve) => child.on('exit', resolve))
  expect(await red.pids()).toEqual([])
  expect(await codeOf(() => NetNs.fromPid(pid))).toBe('ESRCH')
})

test('pids finds a process of which only a thread is inside', async () => {
  await using red = await NetNs.create()
  const living = red.runSync(() => worker('setInterval(() => {}, 1e6); parentPort.postMessage(here())'))
  expect(await message(living)).toBe(red.id)
  expect(await red.pids()).toEqual([process.pid])
  await living.terminate()
})

test('identity is what the kernel says, and stays known after closing', () => {
  const red = NetNs.createSync()
  const { id, inode, dev, cookie } = red
  expect(id).toBe(`net:[${inode}]`)
  expect(dev).toBe(NetNs.home().dev)
  expect(cookie).toBeTypeOf('bigint')
  expect(cookie).not.toBe(NetNs.home().cookie)
  expect(`${red}`).toBe(id)
  expect(red.owner()).toEqual({ uid: expect.any(Number), userNamespace: readlinkSync('/proc/self/ns/user') })
  expect(inspect(red)).toBe(`NetNs <${id}>`)
  red.close()
  red.close()
  expect([red.id, red.cookie, red.closed, red.fd]).toEqual([id, cookie, true, -1])
  expect(inspect(red)).toBe(`NetNs <${id}, closed>`)
})

test('I6: a handle keeps its namespace alive, whose inode is not given out again', () => {
  using pinned = NetNs.createSync()
  for (let round = 0; round < 20; round++) {
    using other = NetNs.createSync()
    expect(other.equals(pinned)).toBe(false)
  }
  expect(pinned.runSync(here)).toBe(pinned.id)
})

test('I6: what is no network namespace is refused by its kind', async () => {
  const cases = {
    '/proc/cpuinfo': 'a plain file',
    '/run': 'a directory',
    '/dev/null': 'a device',
    '/proc/self/ns/mnt': 'a mount namespace'
  }
  for (const [path, kind] of Object.entries(cases)) {
    expect(() => NetNs.fromPath(path)).toThrow(expect.objectContaining({ code: 'ERR_NETNS_NOT_NAMESPACE', path }))
    expect(() => NetNs.fromPath(path)).toThrow(`is ${kind}, not a network namespace`)
  }
  expect(await codeOf(() => NetNs.fromPath('/nowhere'))).toBe('ENOENT')
  const plain = openSync('/proc/cpuinfo', 'r')
  expect(await codeOf(() => NetNs.fromFd(plain))).toBe('ERR_NETNS_NOT_NAMESPACE')
  closeSync(plain)
  expect(await codeOf(() => NetNs.fromFd(plain))).toBe('EBADF')
})

test('closed handles refuse every method', async () => {
  const red = NetNs.createSync()
  red.close()
  const calls = [
    () => red.equals(NetNs.current()),
    () => NetNs.current().equals(red),
    () => red.owner(),
    () => red.pids(),
    () => red.names(),
    () => red.attach('red', { directory: directory() }),
    () => red.attachSync('red', { directory: directory() }),
    () => red.runSync(() => {}),
    () => red.enterThread({ force: true }),
    () => red.cookie
  ]
  for (const call of calls) expect(await codeOf(call)).toBe('ERR_NETNS_CLOSED')
  expect(red.equals(undefined)).toBe(false)
})

test('using and await using close', async () => {
  const seen: NetNs[] = []
  {
    using red = NetNs.createSync()
    await using blue = await NetNs.create()
    seen.push(red, blue)
  }
  expect(seen.map((handle) => handle.closed)).toEqual([true, true])
})

test('structured clone refuses a handle; its descriptor is the way into a Worker', async () => {
  using red = NetNs.createSync()
  expect(() => structuredClone(red)).toThrow(expect.objectContaining({ name: 'DataCloneError' }))
  expect(() => worker('', { red })).toThrow(expect.objectContaining({ name: 'DataCloneError' }))
  expect(await message(worker('parentPort.postMessage(NetNs.fromFd(workerData).id)', red.fd))).toBe(red.id)
  expect(JSON.stringify(red)).toBe(`{"id":"${red.id}"}`)
})

test('loopback is up unless told', () => {
  const addresses = () => readFileSync('/proc/thread-self/net/if_inet6', 'utf8')
  expect(NetNs.createSync().runSync(addresses)).toMatch(/ lo$/m)
  expect(NetNs.createSync({ loopback: false }).runSync(addresses)).toBe('')
})

test('without privileges opening and making work, and entering says what is missing', async () => {
  const source = `
    const codes = []
    const attempt = async (call) => { try { await call(); codes.push('ok') } catch (error) { codes.push(error.code + /CAP_SYS_ADMIN/.test(error.message)) } }
    await attempt(() => NetNs.current().cookie)
    await attempt(() => NetNs.create())
    await attempt(() => NetNs.createSync())
    await attempt(() => NetNs.fromPath(process.argv[1]).runSync(() => {}))
    console.log(codes.join(' '))
  `
  const where = directory()
  await NetNs.create({ name: 'red', directory: where })
  const without = ['setpriv', '--bounding-set=-all', '--inh-caps=-all']
  expect(await output(source, { wrapper: without, args: [`${where}/red`] })).toBe('ok ok ok EPERMtrue')
})
