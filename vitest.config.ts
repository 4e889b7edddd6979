import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    // What users get is tested: the package as it is built. Only tests of a part by itself import that part.
    server: { deps: { external: [/\/dist\//] } },
    // Namespaces, descriptors and threads are counted, so each file has a process to itself.
    pool: 'forks',
    // Most wait for the kernel or for other programs.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    setupFiles: ['__test__/setup.ts'],
    // Many times what the slowest takes, as machines are busy.
    testTimeout: 180_000,
    typecheck: { enabled: true, include: ['__test__/types/**/*.test-d.ts'], tsconfig: './tsconfig.types.json' }
  }
})
