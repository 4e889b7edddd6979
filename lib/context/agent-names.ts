/**
 * The names under which Node's agents file connections. A new one is asked for three times for every connection, made of
 * five options, and each is then looked up as a string that nobody has seen yet: to have Node make it once, and give the
 * same again, saves what our hooks on agents cost.
 */
import type { AnyFunction } from './patches.ts'

/** How Node's begins: all that is not its own is in its parameter. */
const BEGINNING = /^function getName\(options = kEmptyObject\) \{\s*let name = /
const COMMENT_OR_STRING = /\/\/.*|'[^'\n]*'/g
/** A bracket is a property by whatever string. */
const WORD_OR_BRACKET = /[a-z_]\w*|\[/gi
/** All that it is made with then. */
const WORDS = new Set(['options', 'name', 'if', 'return', 'host', 'port', 'localAddress', 'family', 'socketPath'])

/** What a name is made of. */
interface Options {
  host?: unknown
  port?: unknown
  localAddress?: unknown
  family?: unknown
  socketPath?: unknown
}

/** What a name was asked for. */
interface Asked extends Options {
  /** The name, as objects have their keys: any other string is first made one of those to be looked up. */
  key: string | undefined
}

/**
 * What calls an agent's `getName`, unless it was asked for the same the last time and it is Node's: a program's may look at
 * whatever it likes.
 */
export function remembering(getName: AnyFunction): AnyFunction {
  /** Found out when a name is asked for again, as that takes longer than to make some. */
  let isOwn: boolean | undefined
  // One variable, as a timeout of vm's may interrupt this anywhere.
  let last: Asked | undefined
  return function (this: unknown, options: Options | null | undefined) {
    if (isOwn === false || options === undefined || options === null) return getName.call(this, options)
    const { host, port, localAddress, family, socketPath } = options
    if (
      last !== undefined &&
      host === last.host &&
      port === last.port &&
      localAddress === last.localAddress &&
      family === last.family &&
      socketPath === last.socketPath
    ) {
      isOwn ??= isNodes(getName)
      if (isOwn) {
        // Made of what is compared: options may say something else each time they are asked.
        last.key ??= Object.keys({ [getName.call(this, last)]: 0 })[0]
        return last.key
      }
    }
    // An object may be spelled otherwise the next time.
    const isLasting = ![host, port, localAddress, family, socketPath].some(isObject)
    last = isLasting ? { host, port, localAddress, family, socketPath, key: undefined } : undefined
    return getName.call(this, options)
  }
}

/** Whether a name is made of those five and of nothing else. */
function isNodes(getName: AnyFunction): boolean {
  const text = Function.prototype.toString.call(getName)
  if (!BEGINNING.test(text)) return false
  const words = text.replace(BEGINNING, '').replaceAll(COMMENT_OR_STRING, '').match(WORD_OR_BRACKET) ?? []
  return words.every((word) => WORDS.has(word))
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
