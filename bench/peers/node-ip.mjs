/** What Node's users do without a library: run `ip`. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { serve } from './serve.mjs'

const ip = (...args) => promisify(execFile)('ip', args)

serve({
  'create-named-async'() {
    return async () => {
      await ip('netns', 'add', 'node')
      await ip('netns', 'delete', 'node')
    }
  },
  'list-async'() {
    return () => ip('netns', 'list')
  }
})
