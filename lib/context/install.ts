/** Hooks are installed together or not at all, on first use, once per realm, after a self-test. */

import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import { prepareThread } from '../thread.ts'
import { hookAgents } from './agents.ts'
import { hookCalls } from './calls.ts'
import { hookClusters } from './clusters.ts'
import { hookFetch, route } from './dispatchers.ts'
import { hookEvents } from './events.ts'
import { hookHandles } from './handles.ts'
import { hookInspector } from './inspector.ts'
import { hookLookups } from './lookups.ts'
import { Patches } from './patches.ts'
import { endContexts } from './place.ts'
import { findPrototypes, type Prototypes } from './prototypes.ts'
import { selfTest } from './self-test.ts'
import { hookSessions } from './sessions.ts'
import { hookWorkers } from './workers.ts'

let installed = false

/**
 * Puts every hook on, unless they are. What `namespace` is for: the self-test opens a socket of each kind in it.
 *
 * @throws `ERR_NETNS_RUNTIME` naming what this runtime lacks; nothing is changed then
 */
export function install(namespace: Namespace | undefined): void {
  if (installed) {
    route()
    return
  }
  prepareThread()
  const prototypes = findPrototypes()
  const patches = new Patches()
  try {
    hookEverything(patches, prototypes)
    if (namespace !== undefined) selfTest(prototypes, namespace)
    endContexts()
  } catch (error) {
    patches.undo()
    builtin('module').syncBuiltinESMExports()
    throw error
  }
  installed = true
}

let lacking = false

/** Installs as {@link install} does; where this runtime lacks something, says so once and for all. */
export function isAvailable(namespace: Namespace): boolean {
  if (lacking) return false
  if (installed) {
    route()
    return true
  }
  try {
    install(namespace)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_NETNS_RUNTIME') throw error
    lacking = true
  }
  return !lacking
}

function hookEverything(patches: Patches, prototypes: Prototypes): void {
  hookHandles(patches, prototypes)
  hookCalls(patches, prototypes)
  hookWorkers(patches, prototypes)
  hookEvents(patches)
  hookSessions(patches)
  hookClusters(patches)
  hookLookups(patches, prototypes)
  hookAgents(patches)
  hookFetch(patches)
  hookInspector(patches)
  // What was imported by name follows too.
  builtin('module').syncBuiltinESMExports()
}
