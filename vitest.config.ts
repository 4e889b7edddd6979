import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that look at nothing of their own process, only at programs that they start, at namespaces that they make, or at
 * what functions return. One process runs several of them, as to start one takes longer than many a file.
 */
const TOGETHER = [
  '__test__/{at-once,examples,one-user,package}.test.ts',
  '__test__/command/helper.test.ts',
  '__test__/config/{addresses-routes,encoding,fuzz,known,links,moved-links,neighbours-rules,sysctl,unsaid,wireguard}.test.ts',
  '__test__/context/*.test.ts',
  '__test__/dns/wire.test.ts'
]

/**
 * The longest first, so that nothing long is left for the end, when there is nothing to do beside it. Some run programs to
 * learn what tests they have, which vitest does not count. Those that share processes come one after another, as they
 * share none otherwise.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) => {
      if (project.config.isolate) return 2
      return /\/context\/(leaks|libraries)\.test\.ts$/.test(moduleId) ? 0 : 1
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    // What users get is tested: the package as it is built. Only tests of a part by itself import that part.
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    // Most wait for the kernel or for other programs.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    sequence: { sequencer: LongestFirst },
    setupFiles: ['__test__/setup.ts'],
    // Many times what the slowest takes, as machines are busy.
    testTimeout: 180_000,
    projects: [
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
      {
        extends: true,
        test: {
          // Namespaces, descriptors and threads are counted, so each file has a process to itself.
          name: 'apart',
          include: ['__test__/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...TOGETHER],
          typecheck: { enabled: true, include: ['__test__/types/**/*.test-d.ts'], tsconfig: './tsconfig.types.json' }
        }
      }
    ]
  }
})
