/** Starts programs natively, and hears of them: one native listener for each JavaScript realm. */
import { isErrorRecord, spawnFailed } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { native, type Program } from '../native.ts'
import type { Checked } from './options.ts'
import { environment } from './options.ts'
import { signalName } from './signals.ts'

/** How a child ended. */
export interface Exit {
  /** Its exit code; null if a signal ended it. */
  code: number | null
  /** The signal that ended it, or null. */
  signal: NodeJS.Signals | null
}

/** Who hears of one child. */
export interface Ear {
  /** Its program runs. Heard only if wanted. */
  started?(pid: number): void
  /** It could not be started; nothing else is heard then. */
  failed(error: Error): void
  /** It ended. */
  exited(exit: Exit): void
}

/** A child that was launched. */
export interface Launched {
  program: Program
  /** Whether the child keeps this process alive while it runs, as it does at first. */
  ref(wanted: boolean): void
}

interface Entry extends Launched {
  ear: Ear
  alive: NodeJS.Timeout
  failure(): Error
}

const entries = new Map<number, Entry>()
let launcher: InstanceType<ReturnType<typeof native>['Launcher']> | undefined
let last = 0

/**
 * Starts a command. It goes on natively: whether the program runs is heard later.
 *
 * @throws `ERR_NETNS_CLOSED`; `EMFILE`, `EAGAIN`, `EBADF` for a wrong `stdio`, as Node's `'error'` would have them
 */
export function launch(namespace: Namespace, checked: Checked, stdio: number[], ear: Ear): Launched {
  const { handle } = namespace
  const { Launcher } = native()
  launcher ??= new Launcher(heard)
  // Ids are only for children that run, so they may come round.
  do last = (last + 1) >>> 0
  while (entries.has(last))
  const id = last
  const order = { ...checked.order, environment: checked.env ?? environment(process.env), stdio }
  const failure = (thrown: unknown) => failed(thrown, checked)
  let program: Program
  try {
    program = launcher.launch(handle, order, id, ear.started !== undefined)
  } catch (thrown) {
    throw failure(thrown)
  }
  // The native listener keeps nothing alive; an idle timer does, as the handle of a child of Node's.
  const alive = setInterval(() => {}, 2 ** 31 - 1)
  const entry: Entry = {
    program,
    alive,
    ear,
    ref: (wanted) => void (wanted ? alive.ref() : alive.unref()),
    failure: () => {
      try {
        program.started()
      } catch (thrown) {
        return failure(thrown)
      }
      return failure(new Error('the program was started after all'))
    }
  }
  entries.set(id, entry)
  return entry
}

function heard(id: number, what: number, value: number): void {
  const entry = entries.get(id)
  if (entry === undefined) return
  if (what === 1) {
    entry.ear.started?.(value)
    return
  }
  entries.delete(id)
  clearInterval(entry.alive)
  if (what === 0) entry.ear.failed(entry.failure())
  else entry.ear.exited({ code: what === 2 ? value : null, signal: what === 3 ? signalName(value) : null })
}

function failed(thrown: unknown, { file, args }: Checked): Error {
  return isErrorRecord(thrown) ? spawnFailed(thrown, file, args) : (thrown as Error)
}
