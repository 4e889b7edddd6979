/** The drawers in which an `http.Agent` keeps connections: one for each network, by the files that they belong to. */
import { builtin } from '../builtin.ts'
import { BOUND, type Namespace } from '../namespace.ts'
import { Itself } from './itself.ts'
import { hereOrHome, outsideOrHome } from './place.ts'

const HOME = 'home'

/** How an agent is used. */
export interface Use {
  /** The drawer that it was used in first. */
  readonly first: string
  /** Whether what it makes a socket with is {@link Made}, so that even what it keeps is surely filed where it is. */
  marks: boolean
  /** Whether it has made sockets without. */
  unmarked: boolean
}

/** By agent, and by the sockets that it shares with what stands for it, as a proxy of JavaScript does. */
const uses = new WeakMap<object, Use>()

/** How an agent is used, if it ever was. */
export function useOf(agent: object): Use | undefined {
  return uses.get(agent) ?? uses.get(socketsOf(agent))
}

/** An agent is used for the first time. */
export function use(agent: object): Use {
  const used = { first: firstOf(agent), marks: false, unmarked: false }
  uses.set(agent, used)
  uses.set(socketsOf(agent), used)
  return used
}

function socketsOf(agent: object): object {
  return (agent as { sockets?: object }).sockets ?? agent
}

/**
 * Whether options seem to be what Node has made a socket with, and no copy that a program has of them. {@link Made} would be
 * surer, and is not needed for a connection that was not to be kept.
 */
export function looksMade(options: object): boolean {
  return '_agentKey' in options && Object.getPrototypeOf(options) === null
}

/**
 * Options that a socket was made with: it may be freed and closed from anywhere. Their drawer is in a private field, which
 * nobody sees and no copy has; a weak map of options, of which each is new, would be filled and emptied without end.
 */
export class Made extends Itself {
  #drawer: string

  private constructor(options: object, drawer: string) {
    super(options)
    this.#drawer = drawer
  }

  /** Marks them, unless they are. */
  static note(options: object, drawer: string): void {
    if (!(#drawer in options)) new Made(options, drawer)
  }

  /** What they are marked with. */
  static drawerOf(options: object): string | undefined {
    return #drawer in options ? options.#drawer : undefined
  }
}

/** The drawer of an agent that is used for the first time now. */
export function firstOf(agent: object): string {
  // What everybody shares is not the first context's that happens to use it.
  return isShared(agent) ? drawerOf(outsideOrHome()) : drawerFor(agent)
}

/** The drawer of what an agent is asked for now: a bound one is asked for what is in its own network. */
export function drawerFor(agent: { readonly [BOUND]?: Namespace }): string {
  return drawerOf(agent[BOUND] ?? hereOrHome())
}

/** The drawer of what is asked for now. */
export function drawerHere(): string {
  return drawerOf(hereOrHome())
}

/** Which network's files something belongs to, `net:[…]` or home's, by namespace. */
const known = new WeakMap<Namespace, string>()
/**
 * By what each namespace's file is called: the cookie of the first that was. The kernel calls another so once that one is
 * gone, and sessions of TLS are kept by agents for longer.
 */
const cookies = new Map<string, bigint | undefined>()

function drawerOf(place: Namespace | undefined): string {
  if (place === undefined) return HOME
  let drawer = known.get(place)
  if (drawer === undefined) {
    drawer = place.isHome ? HOME : nameOf(place)
    known.set(place, drawer)
  }
  return drawer
}

let untold = 0

function nameOf(place: Namespace): string {
  const { id } = place
  let cookie: bigint | undefined
  try {
    cookie = place.cookie
  } catch {
    // It is closed, or cannot be entered: whoever asks for a connection is told so, and nobody has to share with it.
    return `${id}:untold-${++untold}`
  }
  if (!cookies.has(id)) cookies.set(id, cookie)
  return cookies.get(id) === cookie ? id : `${id}:${cookie}`
}

function isShared(agent: object): boolean {
  const shared = builtin(isSecure(agent) ? 'https' : 'http').globalAgent as object | undefined
  return agent === shared || (shared !== undefined && socketsOf(agent) === socketsOf(shared))
}

/** An agent of https is proof that its module, and so all of TLS, is loaded. */
export function isSecure(agent: object): boolean {
  return Reflect.get(agent, 'protocol') === 'https:'
}
