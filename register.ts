/**
 * `node --import node-netns/register app.js`: contexts work from the first line on, before anything takes a reference to
 * what they hook. With `NETNS=red` in the environment, the namespace of that name is the whole program's network.
 */
import { parts } from './lib/parts.ts'

parts.register.register(process.env['NETNS'])
