import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The longest first, so that nothing long is left for the end, when there is nothing to do beside it. These run programs
 * to learn what tests they have, which vitest does not count.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const counted = await super.sort(files)
    const runsPrograms = ({ moduleId }: TestSpecification) => /\/context\/(leaks|libraries)\.test\.ts$/.test(moduleId)
    return [...counted.filter(runsPrograms), ...counted.filter((file) => !runsPrograms(file))]
  }
}

export default defineConfig({
  test: {
    include: ['__test__/**/*.test.ts'],
    // What users get is tested: the package as it is built. Only tests of a part by itself import that part.
    server: { deps: { external: [/\/dist\//] } },
    // Namespaces, descriptors and threads are counted, so each file has a process to itself.
    pool: 'forks',
    // Most wait for the kernel or for other programs.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['__test__/setup.ts'],
    // Many times what the slowest takes, as machines are busy.
    testTimeout: 180_000,
    typecheck: { enabled: true, include: ['__test__/types/**/*.test-d.ts'], tsconfig: './tsconfig.types.json' }
  }
})
