/** A process that ends with a wrapper left. */
import { readdirSync } from 'node:fs'
import { NetNs } from 'node-netns'

const directory = process.argv.at(-1) ?? ''
NetNs.createSync().wrapper({ directory })
console.log(readdirSync(directory).length)
