/** Any text that Unicode has, of up to ten characters. */
import fc from 'fast-check'

/** The first of the halves of characters, which are none by themselves, and how many there are. */
const HALVES = 0xd800
const COUNT = 0x800

/** As fast-check's own unit `binary`, which takes a second for a table of them all. */
const character = fc.nat(0x10ffff - COUNT).map(
  (index) => String.fromCodePoint(index < HALVES ? index : index + COUNT),
  (character) => {
    const point = typeof character === 'string' ? character.codePointAt(0) : undefined
    if (point === undefined || String.fromCodePoint(point) !== character || !character.isWellFormed())
      throw new Error('This is no character.')
    return point < HALVES ? point : point - COUNT
  }
)

export const anyText = fc.string({ unit: character })
