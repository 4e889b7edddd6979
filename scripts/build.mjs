/** `npm run build`: the native addon, its typings and the compiled TypeScript. */
import { prepare } from './prepare.mjs'

prepare()
