/** `npm start`: the tour. As root it shows the machine's own network, otherwise that of a user namespace. */
import { isolate } from './isolate.mjs'
import { prepare } from './prepare.mjs'

prepare()
process.exitCode = await isolate(['--import', 'tsx', 'examples/tour.ts', ...process.argv.slice(2)], { network: false })
