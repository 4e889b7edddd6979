/**
 * Bundles the sources into `dist/`: what importing needs into one file, each part that is loaded when it is first used
 * (`lib/parts.ts`) into one more. They are CommonJS, as only `require` loads without a promise under every loader there
 * is; what users import are ES modules in front of them.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { root } from './prepare.mjs'

const dist = join(root, 'dist')
const entryPoints = {
  index: 'index.ts',
  register: 'register.ts',
  command: 'lib/command/index.ts',
  config: 'lib/config/index.ts',
  node: 'lib/node/index.ts',
  context: 'lib/context/index.ts',
  brokered: 'lib/context/brokered/index.ts',
  late: 'lib/context/late/index.ts',
  names: 'lib/dns/index.ts'
}

const common = {
  absWorkingDir: root,
  outdir: 'dist/lib',
  outExtension: { '.js': '.cjs' },
  platform: 'node',
  target: 'node20.19',
  define: { 'import.meta.url': '__filename' },
  // Names stay, for stack traces; lines stay short, as an error that nobody catches is shown with its line.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
  logLevel: 'warning'
}

const { metafile } = await build({
  ...common,
  entryPoints,
  bundle: true,
  packages: 'external',
  format: 'esm',
  splitting: true,
  chunkNames: 'core-[hash]',
  // Every part has what importing needs in common with all others, so that it is one file and exists once. What only some
  // parts share is another.
  inject: ['index.ts', 'lib/dns/node.ts'],
  plugins: [{ name: 'defer parts', setup: deferParts }],
  metafile: true
})
for (const file of Object.keys(metafile.outputs)) rewrite(file, bindAtOnce)

await build({
  ...common,
  entryPoints: Object.keys(metafile.outputs),
  format: 'cjs',
  allowOverwrite: true
})
for (const file of Object.keys(metafile.outputs)) rewrite(file, keepClassNames)

const { imports, exports } = metafile.outputs['dist/lib/index.cjs']
// The entry would only pass on what the core has, at the price of a file.
rmSync(join(dist, 'lib', 'index.cjs'))
writeFileSync(join(dist, 'index.js'), facade(basename(imports[0].path), exports))
writeFileSync(join(dist, 'register.js'), facade('register.cjs', []))

/** Puts `lib/deferred.ts` in the place of `lib/parts.ts`. */
function deferParts({ onResolve }) {
  onResolve({ filter: /\/parts\.ts$/ }, () => ({ path: join(root, 'lib', 'deferred.ts') }))
}

function rewrite(file, change) {
  const path = join(root, file)
  writeFileSync(path, change(readFileSync(path, 'utf8')))
}

/**
 * What files take of each other is taken once, by its name. esbuild would make getters of exports, as if they could change,
 * and ask them each time.
 */
function bindAtOnce(code) {
  const pairs = (list) => list.split(',').map((each) => each.trim().split(/\s+as\s+/))
  const imports = /\bimport\s*\{([^}]*)\}\s*from\s*"(\.\/core-[^"]+)";?/g
  const exports = /\bexport\s*\{([^}]*)\};?\s*$/
  return code
    .replaceAll(
      imports,
      (_, list, from) => `const {${pairs(list).map((pair) => pair.join(':'))}}=module.require("${from}");`
    )
    .replace(exports, (_, list) => `module.exports={${pairs(list).map((pair) => pair.toReversed().join(':'))}};`)
}

/**
 * A class that names itself comes out as `var Name = class _Name`. esbuild's way to keep names would call a function for
 * every function there is, which takes longer than to compile them.
 */
function keepClassNames(code) {
  const renamed = new Set([...code.matchAll(/\b(\w+)=class _\1\b/g)].map(([, name]) => name))
  const kept = [...renamed].reduce((text, name) => text.replaceAll(new RegExp(`\\b_${name}\\b`, 'g'), name), code)
  const lost = /\bclass (_\w+|\w+\d)\b/.exec(kept) ?? /\b(\w+\d)=class\b/.exec(kept)
  if (lost !== null) throw new Error(`The class ${lost[1]} has lost its name.`)
  return kept
}

/** An ES module that exports what a file of `dist/lib` does. */
function facade(file, names) {
  const exported = names.length > 0 ? `export const { ${names.join(', ')} } = ` : ''
  return `import { createRequire } from 'node:module'\n${exported}createRequire(import.meta.url)('./lib/${file}')\n`
}
