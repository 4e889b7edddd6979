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
  loaded ??= require('dns-packet') as Codec
  return loaded
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
