/** What is stored while a context runs: one object for each namespace that anybody is in. */
import type { Namespace } from '../namespace.ts'

/**
 * Whatever carries a context on refers to this: promises, timers, handles. Nothing of ours does for longer than a call, so
 * that the collector can tell when no context of the namespace is left.
 */
export class Stay {
  readonly namespace: Namespace

  constructor(namespace: Namespace) {
    this.namespace = namespace
  }

  /** What other copies of this library know it by. */
  get fd(): number {
    return this.namespace.fd
  }
}

const stays = new WeakMap<Namespace, WeakRef<Stay>>()

/**
 * What is stored in contexts of `namespace`: the same as long as one of them is left.
 *
 * @param begun - called with a new one, before anybody has it
 */
export function stayIn(namespace: Namespace, begun: (stay: Stay) => void): Stay {
  return stays.get(namespace)?.deref() ?? begin(namespace, begun)
}

function begin(namespace: Namespace, begun: (stay: Stay) => void): Stay {
  const stay = new Stay(namespace)
  begun(stay)
  stays.set(namespace, new WeakRef(stay))
  return stay
}
