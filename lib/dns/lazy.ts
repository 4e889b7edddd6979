/** What only a query needs is loaded with the first one, so that importing the library stays free of it. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The part of dns-packet that is used. */
export interface Codec {
  encode(packet: {
    id: number
    type: 'query'
    flags: number
    questions: readonly { name: string; type: string; class: 'IN' }[]
    additionals: readonly { type: 'OPT'; name: '.'; udpPayloadSize: number }[]
  }): Buffer
  /** The codec of a record's data; `decode` begins at its length and leaves in `bytes` how much it took. */
  record(type: string): { decode: { (packet: Buffer, offset: number): unknown; bytes: number } }
}

let loaded: Codec | undefined

/** The wire codec. */
export function codec(): Codec {
  loaded ??= load()
  return loaded
}

/** Its files that set `exports.toString`, which what inherits it from a frozen prototype cannot. */
const OVERRIDING = ['classes', 'opcodes', 'optioncodes', 'rcodes', 'types']

function load(): Codec {
  try {
    return require('dns-packet') as Codec
  } catch (error) {
    if (!Object.isFrozen(Object.prototype)) throw error
  }
  const own = createRequire(require.resolve('dns-packet'))
  const { Module } = require('node:module') as { Module: new (id: string) => NodeJS.Module }
  for (const name of OVERRIDING) {
    const file = own.resolve(`./${name}.js`)
    const module = new Module(file) as NodeJS.Module & { load(file: string): void }
    module.exports = Object.create(null)
    module.load(file)
    require.cache[file] = module
  }
  return require('dns-packet') as Codec
}

let pool: Uint16Array<ArrayBuffer> = new Uint16Array(0)
let used = 0

/** A random 16-bit number that nobody can foresee. */
export function randomId(): number {
  if (used >= pool.length) {
    pool = crypto.getRandomValues(new Uint16Array(256))
    used = 0
  }
  const id = pool[used] ?? 0
  used += 1
  return id
}
