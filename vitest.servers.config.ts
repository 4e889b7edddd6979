/** `npm run test:servers`: against programs that have to be installed. */
import { defineConfig } from 'vitest/config'
import usual from './vitest.config.ts'

export default defineConfig({
  ...usual,
  test: { ...usual.test, include: ['__test__/servers/**/*.servers.ts'], typecheck: { enabled: false } }
})
