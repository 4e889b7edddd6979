/** Runs the scenarios of a file, one after another, and prints how each went: `#` and a line of JSON. */
import { readdirSync, readlinkSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cleanUp } from './kit.mjs'

/** For what hangs: a machine that is busy with other work has taken half a minute for four programs. */
const LIMIT = 90_000
const home = readlinkSync('/proc/self/ns/net')

if (Object.keys(networkInterfaces()).length > 0) throw new Error('home has a network')
// Outside of scenarios, as when their file cannot be loaded.
const abort = (error) => {
  console.error(error)
  process.exit(4)
}
let fail = abort
process.on('uncaughtException', (error) => fail(error))
process.on('unhandledRejection', (error) => fail(error))

const [file, ...wanted] = process.argv.slice(2)
const { default: scenarios } = await import(pathToFileURL(resolve(file)).href)
for (const [name, scenario] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue
  const error = await outcome(scenario)
  console.log(`#${JSON.stringify({ name, error })}`)
}
process.exitCode = 0
// A forgotten handle is a fault of the scenario, or of a hook.
setTimeout(() => {
  console.error(`still alive because of: ${process.getActiveResourcesInfo().join(', ')}`)
  process.exit(3)
}, 15_000).unref()

async function outcome(scenario) {
  let timer
  try {
    await new Promise((done, failed) => {
      fail = failed
      timer = setTimeout(() => failed(new Error(`not done after ${LIMIT} ms`)), LIMIT)
      // An immediate is a context of its own, which `enter` changes for nobody else.
      setImmediate(() => Promise.resolve().then(scenario).then(done, failed))
    })
    await cleanUp()
    await everyThreadIsHome()
    return undefined
  } catch (error) {
    await cleanUp().catch(() => {})
    return error?.stack ?? String(error)
  } finally {
    fail = abort
    clearTimeout(timer)
  }
}

/** I1: no thread is where it was not put. One that was joined is seen in `/proc` for a moment longer. */
async function everyThreadIsHome() {
  for (let left = 200; ; left--) {
    const strays = readdirSync('/proc/self/task')
      .map(placeOf)
      .filter((place) => place !== undefined && place !== home)
    if (strays.length === 0) return
    if (left === 0) throw new Error(`threads are in ${strays.join(', ')}, not at home in ${home}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function placeOf(thread) {
  try {
    return readlinkSync(`/proc/self/task/${thread}/ns/net`)
  } catch {
    return undefined // It ended meanwhile.
  }
}
