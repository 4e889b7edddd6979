/**
 * Bundles the sources into `dist/`: what importing needs into one file, each part that is loaded when it is first used
 * (`lib/parts.ts`) into one more. They are CommonJS, as only `require` loads without a promise under every loader there
 * is; what users import are ES modules in front of them.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { root } from './prepare.mjs'

const dist = join(root, 'dist')
const entryPoints = {
  index: 'index.ts',
  register: 'register.ts',
  command: 'lib/command/index.ts',
  config: 'lib/config/index.ts',
  node: 'lib/node/index.ts'
}

const common = {
  absWorkingDir: root,
  outdir: 'dist/lib',
  outExtension: { '.js': '.cjs' },
  platform: 'node',
  target: 'node20.19',
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
  keepNames: true,
  packages: 'external',
  format: 'esm',
  splitting: true,
  chunkNames: 'core-[hash]',
  // Every part has what importing needs in common with all others, so that it is one file and exists once. What only some
  // parts share is another.
  inject: ['index.ts'],
  plugins: [{ name: 'defer parts', setup: deferParts }],
  metafile: true
})

await build({
  ...common,
  entryPoints: Object.keys(metafile.outputs),
  format: 'cjs',
  define: { 'import.meta.url': '__filename' },
  // What one file takes from another is read behind two getters and by a name that is computed, at each use. Values are as
  // good, as none is assigned again, and calls of them can be inlined.
  footer: { js: 'module.exports={...module.exports}' },
  allowOverwrite: true
})

const { imports, exports } = metafile.outputs['dist/lib/index.cjs']
// The entry would only pass on what the core has, at the price of a file.
rmSync(join(dist, 'lib', 'index.cjs'))
writeFileSync(join(dist, 'index.js'), facade(basename(imports[0].path), exports))
writeFileSync(join(dist, 'register.js'), facade('register.cjs', []))

/** Puts `lib/deferred.ts` in the place of `lib/parts.ts`. */
function deferParts({ onResolve }) {
  onResolve({ filter: /\/parts\.ts$/ }, () => ({ path: join(root, 'lib', 'deferred.ts') }))
}

/** An ES module that exports what a file of `dist/lib` does. */
function facade(file, names) {
  const exported = names.length > 0 ? `export const { ${names.join(', ')} } = ` : ''
  return `import { createRequire } from 'node:module'\n${exported}createRequire(import.meta.url)('./lib/${file}')\n`
}
