/** The inspector listens on a thread of its own, which stays where it is made, at home or inside for ever. */
import { builtin } from '../../builtin.ts'
import { notCovered } from '../../errors.ts'
import type { Patches } from '../patches.ts'
import { elsewhere } from '../place.ts'

/** Puts the hook on. A Node may be built without it. */
export function hookInspector(patches: Patches): void {
  const inspector = builtin('inspector')
  if (inspector === undefined) return
  patches.method(inspector, 'open', (original) => {
    return function (this: unknown, ...args: unknown[]) {
      if (elsewhere() !== undefined) throw notCovered('inspector.open', 'the inspector would listen in another network')
      return original.apply(this, args)
    }
  })
}
