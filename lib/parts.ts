/**
 * What most programs need little of. Run from its sources, the library has all of it from the start, by these imports;
 * in the package each part is a file of its own, loaded when it is first used: the build puts `deferred.ts` here.
 */
import * as command from './command/index.ts'
import * as further from './config/further.ts'
import * as config from './config/index.ts'
import * as brokered from './context/brokered/index.ts'
import * as context from './context/index.ts'
import * as late from './context/late/index.ts'
import * as names from './context/names/index.ts'
import * as web from './context/web/index.ts'
import * as node from './node/index.ts'
import * as register from './register.ts'

/**
 * Programs; configuration, and of it what few programs need; contexts, and of them what is for namespaces that the thread
 * may not enter, for what most programs load late or never, for what Node has of the web's, which newer ones load with
 * `http`, and for names; Node's modules bound to a namespace; and the preload.
 */
export const parts = { command, config, further, context, brokered, late, web, names, node, register }
