/** A global dispatcher of undici's that has connections of their own for each namespace. */
import { hidden } from '../../builtin.ts'
import { dispatcherRefused } from '../../errors.ts'
import type { Namespace } from '../../namespace.ts'
import { nodeGlobal } from '../../realm.ts'
import type { Dispatcher } from '../dispatchers.ts'
import type { AnyFunction } from '../patches.ts'
import { hereOrHome } from '../place.ts'
import { foreignContext } from '../storage.ts'
import { BEFORE, connectIn, originalOf, poolsIn } from './connectors.ts'

type Which = 'legacy' | 'modern'

/**
 * What chooses each time, by where it is.
 *
 * @param which - the global dispatcher that it stands before
 * @param user - whose connections `first` has, or will have; undefined for home
 */
export function routerOf(which: Which, first: Dispatcher, user: Namespace | undefined): Dispatcher {
  const real = behind(first)
  const { dispatch } = real
  const plain = dispatch === real.constructor.prototype.dispatch || BEFORE in dispatch
  const again = (place: Namespace | undefined) => {
    if (!plain) throw dispatcherRefused(`${real.constructor.name} with a \`dispatch\` of its own`)
    return another(which, real, place)
  }
  const inside = new WeakMap<Namespace, Dispatcher>()
  let home: Dispatcher | undefined
  const choose = (): Dispatcher => {
    const place = hereOrHome()
    // In the contexts of another copy of this library, `first` may be a router of that one's.
    if (place === user || foreignContext() !== undefined) return first
    if (place === undefined) {
      home ??= again(place)
      return home
    }
    const known = inside.get(place) ?? again(place)
    inside.set(place, known)
    return known
  }
  if (plain) shareOut(real, choose, first)
  connectIn(real, user)
  return new Proxy(first, {
    get(_target, property) {
      if (property === BEFORE) return real
      const chosen = choose()
      const value = Reflect.get(chosen, property, chosen)
      return typeof value === 'function' && property !== 'constructor' ? value.bind(chosen) : value
    }
  })
}

/** What the routers of however many copies of this library stand before. */
function behind(dispatcher: Dispatcher): Dispatcher {
  return (Reflect.get(dispatcher, BEFORE) as Dispatcher | undefined) ?? dispatcher
}

/** Whoever took the dispatcher itself before there was a router may be elsewhere when it is used. */
function shareOut(real: Dispatcher, choose: () => Dispatcher, first: Dispatcher): void {
  const { dispatch } = real
  const shared = (...args: unknown[]) => {
    const chosen = choose()
    return chosen === first ? dispatch.apply(real, args) : chosen.dispatch(...args)
  }
  real.dispatch = Object.assign(shared, { [BEFORE]: dispatch })
}

/**
 * A dispatcher of the same class for another network, without a copy of undici. An agent is given the options that it
 * keeps; what else a program may have set holds connections, or a proxy's address, in ways that only its maker knows.
 *
 * @throws `ERR_NETNS_DISPATCHER`
 */
function another(which: Which, like: Dispatcher, place: Namespace | undefined): Dispatcher {
  const modern = Reflect.get(nodeGlobal(), Symbol.for('undici.globalDispatcher.2')) as Dispatcher | undefined
  switch (like.constructor.name) {
    case 'Agent':
      return make(like, {
        ...hidden<object>(like, 'options'),
        factory: poolsIn(place, originalOf(hidden<AnyFunction>(like, 'factory') as AnyFunction))
      })
    case 'EnvHttpProxyAgent':
      // Node's own, whose options are the environment.
      if (process.env['NODE_USE_ENV_PROXY'] === '1' || process.execArgv.includes('--use-env-proxy')) return make(like)
      break
    case 'Dispatcher1Wrapper':
      // From Node 26 on, the first symbol has an adapter for older copies of undici around an agent of the second.
      if (which === 'legacy' && modern !== undefined) return make(like, another('modern', behind(modern), place))
      break
  }
  throw dispatcherRefused(like.constructor.name)
}

function make(like: Dispatcher, ...args: unknown[]): Dispatcher {
  return Reflect.construct(like.constructor, args) as Dispatcher
}
