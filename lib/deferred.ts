/** The built package's `parts.ts`: importing the library must not read, compile and run what may never be used. */
import { createRequire } from 'node:module'
import type { parts as Parts } from './parts.ts'

const require = createRequire(import.meta.url)
const loaded: Partial<typeof Parts> = {}

/** The parts, each loaded when it is first asked for. */
export const parts: Readonly<typeof Parts> = {
  get command() {
    loaded.command ??= require('./command.cjs') as typeof Parts.command
    return loaded.command
  },
  get config() {
    loaded.config ??= require('./config.cjs') as typeof Parts.config
    return loaded.config
  },
  get node() {
    loaded.node ??= require('./node.cjs') as typeof Parts.node
    return loaded.node
  }
}
