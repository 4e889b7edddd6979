/** Registers hooks of modules, which refuse to be elsewhere than what they are for. */
import { execFileSync } from 'node:child_process'
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const place = String(execFileSync('readlink', ['/proc/self/ns/net'])).trim()
const source = `
  import { execFileSync } from 'node:child_process'
  export async function resolve(specifier, context, next) {
    const found = String(execFileSync('readlink', ['/proc/self/ns/net'])).trim()
    if (found !== '${place}') throw new Error('hooks in ' + found)
    return next(specifier, context)
  }`
register(`data:text/javascript,${encodeURIComponent(source)}`)
// Those of the program itself are at home.
if (isMainThread) process.env.PLACE_OF_MAIN = place
else if (place === process.env.PLACE_OF_MAIN) throw new Error('a Worker at home')
