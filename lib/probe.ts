/** What this machine and process can do, and what to do about what they cannot. */
import { builtin } from './builtin.ts'
import type { NetnsError } from './errors.ts'
import { attemptAsync, native } from './native.ts'
import { parts } from './parts.ts'
import { directoryOf, type RegistryOptions } from './registry.ts'
import { currentRuntime, type Runtime } from './runtime.ts'

/** One ability: it works, or why not and what to do. */
export type Ability = { ok: true } | { ok: false; code: string; why: string; remedy: string }

/** What {@link probe} found. */
export interface Probe {
  /** Whether there is anything to work with: Linux, and a native part that loads. */
  supported: boolean
  /** The kernel's release. */
  kernel: string
  /** What runs this JavaScript. */
  runtime: Runtime
  /** Each ability, tried for real. */
  can: Record<'open' | 'create' | 'createNamed' | 'runSync' | 'run' | 'rootless' | 'configure', Ability>
}

/**
 * Tries what the library can do here, for real, on a thread of its own, and leaves nothing behind. Never rejects for
 * what is missing: that is the answer.
 *
 * @param options - the directory of names that `createNamed` is about
 * @example
 * ```ts
 * const { can } = await probe()
 * if (!can.create.ok) console.error(can.create.why, can.create.remedy)
 * ```
 */
export async function probe(options?: RegistryOptions): Promise<Probe> {
  const directory = directoryOf(options)
  const machine = { kernel: builtin('os').release(), runtime: currentRuntime() }
  try {
    native()
  } catch (error) {
    const missing = obstacle(error as NetnsError)
    const can = {
      open: missing,
      create: missing,
      createNamed: missing,
      runSync: missing,
      run: missing,
      rootless: missing,
      configure: missing
    }
    return { supported: false, ...machine, can }
  }
  const found = await attemptAsync((binding) => binding.probeAbilities(directory))
  const ability = (missing: (typeof found)['open']): Ability => (missing ? { ok: false, ...missing } : { ok: true })
  return {
    supported: true,
    ...machine,
    can: {
      open: ability(found.open),
      create: ability(found.create),
      createNamed: ability(found.createNamed),
      runSync: ability(found.enter),
      run: found.reach ? ability(found.reach) : contexts(),
      rootless: ability(found.rootless),
      configure: ability(found.configure)
    }
  }
}

/** Contexts also need what they are hooked on; looking for it changes nothing. */
function contexts(): Ability {
  try {
    parts.context.proveRuntime()
    return { ok: true }
  } catch (error) {
    return obstacle(error as NetnsError)
  }
}

function obstacle(error: NetnsError): Ability {
  const [why, ...remedy] = error.message.split('. ')
  return { ok: false, code: error.code, why: why as string, remedy: remedy.join('. ') }
}
