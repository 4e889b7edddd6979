/** The built package's `parts.ts`: importing the library must not read, compile and run what may never be used. */
import { createRequire } from 'node:module'
import type { parts as Parts } from './parts.ts'

type All = typeof Parts

const require = createRequire(import.meta.url)
const loaded: Partial<All> = {}

/** The parts, each loaded when it is first asked for. */
export const parts: Readonly<All> = {
  get command() {
    loaded.command ??= require('./command.cjs') as All['command']
    return loaded.command
  },
  get config() {
    loaded.config ??= require('./config.cjs') as All['config']
    return loaded.config
  },
  get context() {
    loaded.context ??= require('./context.cjs') as All['context']
    return loaded.context
  },
  get brokered() {
    loaded.brokered ??= require('./brokered.cjs') as All['brokered']
    return loaded.brokered
  },
  get late() {
    loaded.late ??= require('./late.cjs') as All['late']
    return loaded.late
  },
  get names() {
    loaded.names ??= require('./names.cjs') as All['names']
    return loaded.names
  },
  get node() {
    loaded.node ??= require('./node.cjs') as All['node']
    return loaded.node
  }
}
