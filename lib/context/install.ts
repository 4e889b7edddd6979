/** Hooks are installed together or not at all, on first use, once per realm, after a self-test. */

import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import { parts } from '../parts.ts'
import { prepareThread } from '../thread.ts'
import { hookAgents } from './agents.ts'
import { hookChildren, hookExecve, hookInterfaces } from './calls.ts'
import { hookFetch, route } from './dispatchers.ts'
import { hookEvents } from './events.ts'
import { hookFailures } from './failures.ts'
import { hookConnecting, hookDatagrams } from './given-lookups.ts'
import { hookHandles, type SocketPrototypes } from './handles.ts'
import { noteAll } from './interruptions.ts'
import { hookEmitter, hookListeners } from './listeners.ts'
import { isLoaded, soonWhenLoaded, watchLoading, whenLoaded } from './loading.ts'
import { hookLookups } from './lookups.ts'
import { Patches } from './patches.ts'
import { findPrototype } from './prototypes.ts'
import { selfTest } from './self-test.ts'
import { endContexts } from './storage.ts'

let installed = false
/** What an installation has put on so far. It stays that way if a timeout of vm's interrupts it. */
let unfinished: Patches | undefined

/**
 * Puts every hook on, unless they are. What `namespace` is for: the self-test opens a socket of each kind in it.
 *
 * @param goesOn - whether there are contexts from now on, so that what the self-test started for its own may stay
 * @throws `ERR_NETNS_RUNTIME` naming what this runtime lacks; nothing is changed then
 */
export function install(namespace: Namespace | undefined, goesOn = false): void {
  if (installed) {
    route()
    return
  }
  prepareThread()
  const sockets = { tcp: findPrototype('tcp'), udp: findPrototype('udp'), pipe: findPrototype('pipe') }
  unfinished?.undo()
  const patches = new Patches()
  unfinished = patches
  try {
    hookEverything(patches, sockets)
    if (namespace !== undefined) selfTest(sockets, namespace)
    route()
    if (!goesOn) endContexts()
  } catch (error) {
    endContexts()
    patches.undo()
    builtin('module').syncBuiltinESMExports()
    throw error
  } finally {
    unfinished = undefined
  }
  installed = true
}

/** Whether they are on. */
export function isInstalled(): boolean {
  return installed
}

let lacking = false

/** Installs as {@link install} does for contexts that go on; where this runtime lacks something, says so once and for all. */
export function isAvailable(namespace: Namespace): boolean {
  if (lacking) return false
  if (installed) {
    route()
    return true
  }
  try {
    install(namespace, true)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_NETNS_RUNTIME') throw error
    lacking = true
  }
  return !lacking
}

function hookEverything(patches: Patches, sockets: SocketPrototypes): void {
  hookHandles(patches, sockets)
  hookFetch(patches)
  hookListeners(patches)
  hookExecve(patches)
  const loading = watchLoading(patches)
  whenLoaded(loading, 'net', (late) => {
    hookEvents(late)
    hookConnecting(late)
    hookFailures(late, sockets.pipe)
  })
  whenLoaded(loading, 'dgram', hookDatagrams)
  whenLoaded(loading, 'dns', hookLookups, ['dns/promises'])
  whenLoaded(loading, '_http_agent', hookAgents)
  whenLoaded(loading, 'child_process', hookChildren)
  whenLoaded(loading, 'os', hookInterfaces)
  whenLoaded(loading, 'vm', (late) => parts.late.hookScripts(late, noteAll))
  whenLoaded(loading, 'worker_threads', (late) => parts.web.hookWorkers(late), ['internal/webworker'])
  whenLoaded(loading, 'cluster', (late) => parts.late.hookClusters(late, hookEmitter))
  whenLoaded(loading, 'inspector', (late) => parts.late.hookInspector(late))
  // While they are loaded, nobody has them yet.
  const hasLocks = isLoaded(loading, 'internal/locks') && isLoaded(loading, 'worker_threads')
  whenLoaded(loading, undefined, (late) => parts.web.hookLocks(late, hasLocks), ['internal/locks'])
  // What a session pushes comes with a later packet.
  soonWhenLoaded(loading, 'http2', (late) => parts.late.hookSessions(late))
  // What was imported by name follows too.
  builtin('module').syncBuiltinESMExports()
}
