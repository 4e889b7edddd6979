/**
 * Bundles the sources into `dist/`: what importing needs, the core, into one ES module, as each further file, Node's
 * CommonJS loader and each import of a module of Node's would take as long again; each part that is loaded when it is
 * first used (`lib/parts.ts`) into one more file, which is CommonJS, as only `require` loads without a promise under every
 * loader there is.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build, transformSync } from 'esbuild'
import { compileAtOnce, FIRST_CALLED, FIRST_CALLED_OF_CORE } from './at-once.mjs'
import { root } from './prepare.mjs'

const dist = join(root, 'dist')
const entryPoints = {
  index: 'index.ts',
  command: 'lib/command/index.ts',
  config: 'lib/config/index.ts',
  further: 'lib/config/further.ts',
  node: 'lib/node/index.ts',
  context: 'lib/context/index.ts',
  brokered: 'lib/context/brokered/index.ts',
  late: 'lib/context/late/index.ts',
  web: 'lib/context/web/index.ts',
  names: 'lib/context/names/index.ts',
  register: 'lib/register.ts'
}

/** Where a realm keeps its libraries. */
const LIBRARIES = 'globalThis[Symbol.for("node-netns libraries")]'
const FOLDER = 'new URL(".",import.meta.url).href'
const REQUIRED_FOLDER = 'require("url").pathToFileURL(__dirname+"/").href'
/** The part that the first context is made by. */
const FIRST = 'dist/lib/context.cjs'
/** An import of nothing: where something is taken of that file, it is loaded. */
const UNNAMED = /\bimport\s*"\.\/shared-[^"]+\.cjs";?/g
/** Where a file says what it exports; `return` at the end of a line would return nothing. */
const EXPORTS = /\$exports=\s*(?=[{[][^}\]]*[}\]];\s*$)/

const common = {
  absWorkingDir: root,
  outdir: 'dist/lib',
  outExtension: { '.js': '.cjs' },
  platform: 'node',
  target: 'node20.19',
  // Names of functions stay, for stack traces; lines stay short, as an error that nobody catches is shown with its line.
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
  chunkNames: 'shared-[hash]',
  // Every part has what importing needs in common with all others, so that it is one file and exists once. What only some
  // parts share is another.
  inject: ['index.ts', 'lib/dns/node.ts'],
  plugins: [{ name: 'defer parts', setup: deferParts }],
  metafile: true
})
const { imports, exports } = metafile.outputs['dist/lib/index.cjs']
const core = imports[0].path
const [burden] = metafile.outputs[core].imports
if (burden !== undefined) throw new Error(`${burden.path} would be loaded with the library.`)
// The entry would only pass on what the core has, at the price of a file.
rmSync(join(root, 'dist/lib/index.cjs'))
/** What the first configuration call loads. */
const configuring = metafile.outputs['dist/lib/config.cjs'].imports.map(({ path }) => path)
const files = Object.keys(metafile.outputs).filter((file) => ![core, 'dist/lib/index.cjs'].includes(file))

/** What the core gives, by its name there, in the order in which it gives it. */
const given = []
const code = takeOnce(readFileSync(join(root, core), 'utf8'), given)
for (const file of files) rewrite(file, (each) => takeOnce(each))
await build({
  ...common,
  define: { 'import.meta.url': '__filename' },
  entryPoints: files,
  format: 'cjs',
  allowOverwrite: true
})
for (const file of files) {
  rewrite(file, (each) => {
    const kept = keepClassNames(each)
    if (file === FIRST) return functionOfCore(shorten(kept), FIRST_CALLED)
    return functionOfCore(configuring.includes(file) ? shorten(kept) : kept)
  })
}

rmSync(join(root, core))
writeFileSync(join(dist, 'index.js'), oneLibrary(compileAtOnce(shorten(keepClassNames(code)), FIRST_CALLED_OF_CORE)))
writeFileSync(join(dist, 'register.js'), registration('import"./index.js"', FOLDER))
// Some versions of Node cannot resolve what a module that is required imports, where there are hooks of modules.
writeFileSync(join(dist, 'register.cjs'), registration('require("./index.js")', REQUIRED_FOLDER))
writeFileSync(join(dist, 'register.d.cts'), 'export {}\n')

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
 * and ask them each time. What they take of the core they take by its place in a list: an object of so many names takes
 * longer to make than the list, and to have it apart.
 *
 * @param list - for the core: filled with what it gives
 */
function takeOnce(code, list) {
  const pairs = (text) => text.split(',').map((each) => each.trim().split(/\s+as\s+/))
  const imports = /\bimport\s*\{([^}]*)\}\s*from\s*"\.\/(shared-[^"]+)\.cjs";?/g
  const exports = /\bexport\s*\{([^}]*)\};?\s*$/
  return code
    .replaceAll(UNNAMED, '')
    .replaceAll(imports, (_, text, name) => {
      if (name !== basename(core, '.cjs'))
        return `const {${pairs(text).map((pair) => pair.join(':'))}}=$fileOf("${name}");`
      return `var ${pairs(text).map(([theirs, own = theirs]) => `${own}=$core[${placeOf(theirs)}]`)};`
    })
    .replace(exports, (_, text) => {
      if (list === undefined) return `$exports={${pairs(text).map((pair) => pair.toReversed().join(':'))}};`
      list.push(...pairs(text).map(([own, theirs = own]) => theirs))
      return `$exports=[${pairs(text).map(([own]) => `\n${own}`)}];`
    })
}

function placeOf(name) {
  const place = given.indexOf(name)
  if (place === -1) throw new Error(`The core does not give ${name}.`)
  return place
}

/**
 * Makes a file what `lib/deferred.ts` says that files are.
 *
 * @param atOnce - functions that are about to be called
 */
function functionOfCore(code, atOnce = []) {
  const strict = '"use strict";'
  if (!code.startsWith(strict)) throw new Error('It does not begin as esbuild has its files begin.')
  const body = compileAtOnce(code.slice(strict.length), atOnce).replace(EXPORTS, 'return')
  // In parentheses it is compiled at once, instead of first looked over.
  return `${strict}module.exports=(function($core,$fileOf){${body}})\n`
}

/**
 * The core, as an ES module. Some loaders evaluate a module a second time in one process, for those who `require` it; but
 * the hooks of two libraries would not know of each other, so the second is the first. Only then is it asked where this one
 * is, which takes Node longer than to run it; and what parts take is an object only for them.
 */
function oneLibrary(code) {
  const run = `${code.replace(EXPORTS, 'function $core(){return')}}return{${exports},parts}`
  return `let all=${LIBRARIES},folder=()=>${FOLDER};
if(all===void 0)Reflect.defineProperty(globalThis,Symbol.for("node-netns libraries"),{value:all=[]});
let own=all.find(other=>other.folder()===folder());
if(own===void 0)all.push(own={folder,library:(function(){${run}})()});
export const{${exports}}=own.library\n`
}

/**
 * Shortens the names that are only known within functions: for what the first calls of a program compile, which takes as
 * long as there is to read. Whoever reads a stack trace sees names of functions alone.
 */
function shorten(code) {
  // Inside a class its own name would be one of those, and so its name for everybody.
  const anonymous = code.replaceAll(/\b(\w+)=class \1\b/g, '$1=class')
  const { minifyWhitespace, minifySyntax, lineLimit, target } = common
  const short = transformSync(anonymous, {
    minifyIdentifiers: true,
    minifyWhitespace,
    minifySyntax,
    lineLimit,
    target
  }).code
  const lost = /\bclass (?!extends\b)\w+/.exec(short)
  if (lost !== null) throw new Error(`A class has lost its name and is ${lost[0]}.`)
  return short
}

function registration(load, folder) {
  const own = `${LIBRARIES}.find(({folder})=>folder()===${folder})`
  return `${load}\n${own}.library.parts.register.register(process.env.NETNS)\n`
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
