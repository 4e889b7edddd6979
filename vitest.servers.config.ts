/** `npm run test:servers`: against programs that have to be installed. */
import { defineConfig } from 'vitest/config'
import usual from './vitest.config.ts'

const { projects: _, ...common } = usual.test ?? {}

export default defineConfig({ ...usual, test: { ...common, include: ['__test__/servers/**/*.servers.ts'] } })
