/**
 * Functions that are compiled together with the file that they are in. Node's engine otherwise looks a function over first,
 * and reads it again, with all that is in it, when it is called.
 */
import ts from 'typescript'

/**
 * What a process calls to make its first context, of the file that does: most of the time goes into compiling these. The
 * test of what is compiled at once says what is missing here, and what is not called any more.
 */
export const FIRST_CALLED = [
  'answeringAddresses',
  'asking',
  'beneath',
  'bindAll',
  'binding',
  'bound',
  'callDirectly',
  'calling',
  'cancelling',
  'connecting',
  'connectingPipe',
  'define',
  'dialling',
  'either',
  'entryOf',
  'findPrototype',
  'hasOne',
  'hearing',
  'hook',
  'hookAgents',
  'hookBinding',
  'hookChildren',
  'hookConnecting',
  'hookDatagrams',
  'hookEvents',
  'hookEverything',
  'hookFailures',
  'hookFetch',
  'hookHandles',
  'hookListeners',
  'hookLoaded',
  'hookLookups',
  'hookModule',
  'hookQueries',
  'hookSettings',
  'hookStream',
  'hookWaiting',
  'install',
  'isDenial',
  'keepThroughScripts',
  'listening',
  'listing',
  'naming',
  'noteDefault',
  'notLoaded',
  'open',
  'openIn',
  'opening',
  'openInside',
  'openOrTell',
  'perform',
  'placeFor',
  'prepare',
  'promised',
  'receiving',
  'receivingFrom',
  'redirectedClass',
  'refusable',
  'refuseCaptured',
  'remembering',
  'replace',
  'reserve',
  'route',
  'routing',
  'run',
  'selfTest',
  'sending',
  'setting',
  'settingDefault',
  'settle',
  'shownBinding',
  'telling',
  'trial',
  'unlessHooked',
  'value',
  'watching',
  'watchList',
  'watchLoading',
  'whenLoaded',
  'whenUndone'
]

/** What the same calls of the file that is loaded with the library, and most of it whatever is called first. */
export const FIRST_CALLED_OF_CORE = [
  'attempt',
  'begin',
  'begun',
  'builtin',
  'capture',
  'fileOf',
  'here',
  'isBrokered',
  'isFunction',
  'isNodes',
  'placeOrRefusal',
  'load',
  'loadPart',
  'made',
  'namespaceIn',
  'node',
  'nodeGlobal',
  'often',
  'outsideOrHome',
  'prepareThread',
  'requireOwn',
  'runIn',
  'stayIn',
  'stored',
  'storedFor',
  'validateFunction'
]

/**
 * Makes functions that `code` declares expressions in parentheses, which the engine takes for what is about to be called.
 * They come first, as what is declared is there from the start.
 *
 * @throws if one of `names` is not declared
 */
export function compileAtOnce(code, names) {
  const missing = new Set(names)
  const source = ts.createSourceFile('file.js', code, ts.ScriptTarget.Latest)
  const first = []
  const rest = []
  for (const statement of source.statements) {
    const text = code.slice(statement.getFullStart(), statement.end)
    if (!ts.isFunctionDeclaration(statement) || !missing.delete(statement.name.text)) rest.push(text)
    else first.push(`${text.replace(/^\s*function\s+(\w+)/, 'var $1=(function')});\n`)
  }
  if (missing.size > 0) throw new Error(`There is no function ${[...missing].join(', ')} to compile at once.`)
  return [...first, ...rest, code.slice(source.statements.at(-1).end)].join('')
}
