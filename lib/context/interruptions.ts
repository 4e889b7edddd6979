/** What is set for the time of a call, and is to be put back where the call is interrupted and never ends. */
import { contextOf, enterIn, noteRuns } from './storage.ts'

/** Notes how something is now, and returns what puts it back. */
type Note = () => () => void

const notes: Note[] = [noteContext, noteRuns]
/** What puts back how it was when {@link keepThroughScripts} was told of it. */
const first: (() => void)[] = notes.map((note) => note())

/** Has `note` called before each script, and what it returns if that is interrupted. */
export function keepThroughScripts(note: Note): void {
  notes.push(note)
  first.push(note())
}

/** Notes how everything is now, and returns what puts it back. */
export function noteAll(): () => void {
  const undo = notes.map((note) => note())
  return () => {
    // A script may have loaded what is noted since.
    for (const back of [...undo, ...first.slice(undo.length)]) back()
  }
}

function noteContext(): () => void {
  const before = contextOf()
  return () => {
    if (contextOf() !== before) enterIn(before)
  }
}
