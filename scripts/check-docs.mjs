/** `npm run check:docs`: every TypeScript example of README.md and docs/ is what the compiler agrees with. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { prepare, root, tool } from './prepare.mjs'

prepare()
const build = join(root, 'target')
mkdirSync(build, { recursive: true })
// Inside the package, so that its own name leads to its sources.
const folder = mkdtempSync(join(build, 'docs-'))
try {
  const pages = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'))
  const written = ['README.md', ...pages.map((file) => join('docs', file))].flatMap(writeExamples)
  if (written.length === 0) throw new Error('README.md and docs/ hold no examples')
  copyFileSync(join(root, 'scripts/docs/readers.d.ts'), join(folder, 'readers.d.ts'))
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, target: 'ESNext' }
  const project = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
  const { status } = spawnSync(tool('tsc'), ['-p', folder], { stdio: 'inherit' })
  if (status === 0) console.log(`${written.length} examples agree with the types`)
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true })
}

/** One module per example, named after its page and line. */
function writeExamples(page) {
  const examples = [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)]
  return examples.map(({ 1: code, index, input }) => {
    const line = input.slice(0, index).split('\n').length + 1
    const file = join(folder, `${basename(page, '.md')}-line-${line}.ts`)
    writeFileSync(file, `${code}\nexport {}\n`)
    return file
  })
}
