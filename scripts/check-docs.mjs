/** `npm run check:docs`: every TypeScript example of README.md, docs/ and lib/ is what the compiler agrees with. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prepare, root, tool } from './prepare.mjs'

prepare()
const build = join(root, 'target')
mkdirSync(build, { recursive: true })
// Inside the package, so that its own name leads to its sources.
const folder = mkdtempSync(join(build, 'docs-'))
try {
  const pages = [...filesOf('docs', '.md'), ...filesOf('lib', '.ts')]
  const written = ['README.md', ...pages].flatMap(writeExamples)
  if (written.length === 0) throw new Error('README.md, docs/ and lib/ hold no examples')
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

function filesOf(folder, extension) {
  return readdirSync(join(root, folder), { recursive: true })
    .filter((file) => file.endsWith(extension))
    .map((file) => join(folder, file))
}

/** One module per example, named after its page and line. What is in a comment begins with a star. */
function writeExamples(page) {
  const examples = [...readFileSync(join(root, page), 'utf8').matchAll(/^(?: *\* )?```ts\n(.*?)^(?: *\* )?```/gms)]
  return examples.map(({ 1: code, index, input }) => {
    const line = input.slice(0, index).split('\n').length + 1
    const file = join(folder, `${page.replaceAll('/', '-').replace(/\.\w+$/, '')}-line-${line}.ts`)
    writeFileSync(file, `${code.replaceAll(/^ *\* ?/gm, '')}\nexport {}\n`)
    return file
  })
}
