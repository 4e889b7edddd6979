import { NetNs } from 'node-netns'
import { expect, test } from 'vitest'
import { codeOf, eventually, here, message, output, strays, worker } from './helpers.ts'

const home = here()

test('a Worker moves for good, its pool stays home, and sections return to where it lives', async () => {
  using red = NetNs.createSync()
  using blue = NetNs.createSync()
  const living = worker(
    `const [red, blue] = workerData.map((fd) => NetNs.fromFd(fd))
     red.enterThread()
     const seen = [here(), blue.runSync(here), here(), NetNs.current().id, NetNs.home().id]
     await require('node:fs/promises').stat('/')
     try { blue.runSync(() => red.enterThread()) } catch (error) { seen.push(error.code) }
     parentPort.postMessage(seen)
     setInterval(() => {}, 1e6)`,
    [red.fd, blue.fd]
  )
  expect(await message(living)).toEqual([red.id, blue.id, red.id, red.id, home, 'EBUSY'])
  expect(strays(home)).toEqual([red.id])
  await living.terminate()
  expect(await eventually(() => strays(home).length === 0)).toBe(true)
})

test('the main thread is refused unless it is forced', async () => {
  expect(await codeOf(() => NetNs.createSync().enterThread())).toBe('ERR_NETNS_MAIN_THREAD')
  expect(await codeOf(() => NetNs.createSync().enterThread({ force: false }))).toBe('ERR_NETNS_MAIN_THREAD')
  const source = `
    const red = NetNs.createSync()
    red.enterThread({ force: true })
    console.log(here() === red.id, NetNs.current().equals(red), NetNs.home().id === home, NetNs.home().runSync(here) === home, here() === red.id)
  `
  expect(await output(source)).toBe('true true true true true')
})
