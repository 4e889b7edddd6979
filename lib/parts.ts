/**
 * What most programs need little of. Run from its sources, the library has all of it from the start, by these imports;
 * in the package each part is a file of its own, loaded when it is first used: the build puts `deferred.ts` here.
 */
import * as command from './command/index.ts'
import * as config from './config/index.ts'
import * as node from './node/index.ts'

/** Programs, configuration, and Node's own networking: contexts and modules. */
export const parts = { command, config, node }
