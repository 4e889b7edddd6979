/**
 * Connections that `http.Agent` keeps never cross: those of each network are filed under names of their own. Where an
 * agent is used first they are Node's, which programs look up in `agent.sockets`; elsewhere they say which network.
 */
import type { AsyncResource } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import { keepThroughScripts } from './interruptions.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { hereOrHome, outsideOrHome } from './place.ts'
import { contextOf, runIn } from './storage.ts'

const HOME = 'home'

/** What hooks are put on. */
type Hooked = 'getName' | 'addRequest' | 'createSocket' | 'removeSocket'

/** Puts the hooks on. */
export function hookAgents(patches: Patches): void {
  // The agent of https asks this one for the first part of its names.
  const agent = builtin('_http_agent').Agent.prototype as unknown as Record<Hooked, AnyFunction>
  const { getName, addRequest, createSocket, removeSocket } = agent
  /** Looked for when a request is queued, as Node takes a third of a millisecond to queue its first. */
  let noteKey: symbol | null | undefined
  const contexts = new WeakMap<object, Namespace | undefined>()
  /** What makes a socket, and its drawer, until Node names its own copy of the options, which it keeps with the socket. */
  let making: { agent: object; drawer: string } | undefined
  /** Whether a name that a program makes by itself has come by here. */
  let reached = false
  // Four times for every connection, and until that is compiled each call takes as long as a look-up: few are made.
  patches.replace(agent, 'getName', function (this: object, options: unknown) {
    reached = true
    return nameApart(this, getName.call(this, options), options)
  })
  const named = agent.getName
  /** A request that is being added, until a socket is made for it. */
  let added: object | undefined
  patches.replace(
    agent,
    'addRequest',
    function (this: Named, request: AddedRequest, options: unknown, port: unknown, localAddress: unknown) {
      const outer = added
      if (!firstDrawers.has(this)) firstDrawers.set(this, firstOf(this))
      if (this.getName !== named && !isUsual(this)) renameApart(this)
      added = request
      try {
        return addRequest.call(this, request, options, port, localAddress)
      } finally {
        // Most have a socket by now, or Node keeps where they were made with what it queues. This one waits elsewhere.
        if (added === request && request.reusedSocket !== true && noteOf(request) === undefined) {
          contexts.set(request, contextOf())
        }
        added = outer
      }
    }
  )
  // A queued request may get its socket when one of another name closes, in that one's context.
  patches.replace(
    agent,
    'createSocket',
    function (this: object, request: AddedRequest, options: unknown, callback: unknown) {
      if (added === request) {
        added = undefined
        return make(this, request, options, callback)
      }
      return whereQueued(request, make, this, request, options, callback)
    }
  )

  // Then a subclass that dials by itself, as proxies' agents do, is called in the other's context as well.
  patches.replace(agent, 'removeSocket', function (this: Dialling, socket: unknown, options: unknown) {
    const { createSocket: own } = this
    return own === agent.createSocket
      ? removeSocket.call(this, socket, options)
      : removeAndDial(this, own, socket, options)
  })

  keepThroughScripts(() => {
    const before = { making, added }
    return () => {
      ;({ making, added } = before)
    }
  })

  function nameApart(self: object, name: unknown, options: unknown): unknown {
    let drawer: string | undefined
    if (typeof options === 'object' && options !== null) {
      drawer = Made.drawerOf(options)
      if (drawer === undefined && making?.agent === self) {
        drawer = Made.note(options, making.drawer)
        // What is made or asked for from here on is something else, which may be elsewhere.
        making = undefined
      }
    }
    drawer ??= drawerOf(hereOrHome())
    return drawer === (firstDrawers.get(self) ?? firstOf(self)) ? name : `${name}:${drawer}`
  }

  /** Names that a subclass makes without Node's are kept apart as well. */
  function renameApart(self: Named): void {
    const own = self.getName
    const value = function (this: Named, options: unknown) {
      reached = false
      const name: unknown = own.call(this, options)
      return reached ? name : nameApart(this, name, options)
    }
    renamed.add(value)
    Object.defineProperty(self, 'getName', { value, configurable: true, writable: true })
  }

  function make(self: object, request: AddedRequest, options: unknown, callback: unknown) {
    const outer = making
    making = { agent: self, drawer: drawerOf(hereOrHome()) }
    try {
      return createSocket.call(self, request, options, callback)
    } finally {
      making = outer
    }
  }

  function removeAndDial(self: Dialling, own: AnyFunction, socket: unknown, options: unknown): unknown {
    const before = Reflect.getOwnPropertyDescriptor(self, 'createSocket')
    const restore = () => {
      if (before !== undefined) Reflect.defineProperty(self, 'createSocket', before)
      else Reflect.deleteProperty(self, 'createSocket')
    }
    const value = (request: AddedRequest, ...rest: unknown[]) => {
      restore()
      return whereQueued(request, () => own.call(self, request, ...rest))
    }
    Reflect.defineProperty(self, 'createSocket', { value, configurable: true, writable: true })
    try {
      return removeSocket.call(self, socket, options)
    } finally {
      restore()
    }
  }

  /** Calls `fn` in the context that a request was queued in. */
  function whereQueued<A extends unknown[]>(request: AddedRequest, fn: (...args: A) => unknown, ...args: A): unknown {
    const note = noteOf(request)
    let context = contextOf()
    if (note !== undefined) context = note.runInAsyncScope(contextOf)
    else if (contexts.has(request)) context = contexts.get(request)
    return context === contextOf() ? fn(...args) : runIn(context, fn, ...args)
  }

  function noteOf(request: AddedRequest): AsyncResource | undefined {
    if (noteKey === undefined) noteKey = findNoteKey(addRequest) ?? null
    return noteKey === null ? undefined : (request[noteKey] ?? undefined)
  }
}

interface Named {
  getName: AnyFunction
}

interface Dialling {
  createSocket: AnyFunction
}

/** The `getName` of agents whose own does not come by Node's. */
const renamed = new WeakSet<AnyFunction>()

/** Whether an agent's names come by Node's, as those of https do, or were seen to. */
function isUsual(agent: Named): boolean {
  const { getName } = agent
  return renamed.has(getName) || (isSecure(agent) && getName === builtin('https').Agent.prototype['getName' as never])
}

interface AddedRequest {
  reusedSocket?: boolean
  [note: symbol]: AsyncResource | null | undefined
}

/**
 * The key of what Node gives a request that it queues, so that it goes on in the context that it was made in: shown by an
 * agent that has no socket left. Where there is none, we keep such contexts ourselves.
 */
function findNoteKey(addRequest: AnyFunction): symbol | undefined {
  const { AsyncResource } = builtin('async_hooks')
  const agent = new (builtin('_http_agent').Agent)({ maxSockets: 1, maxTotalSockets: 1 })
  const request: AddedRequest = {}
  Reflect.set(agent, 'totalSocketCount', 1)
  addRequest.call(agent, request, { host: 'localhost', servername: '' })
  return Object.getOwnPropertySymbols(request).find((key) => request[key] instanceof AsyncResource)
}

/** What is constructed is the object that it is given. */
class Itself {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is how an object gets the private fields of another class.
    return object
  }
}

/**
 * Options that a socket was made with: it may be freed and closed from anywhere. Their drawer is in a private field, which
 * nobody sees and no copy has; a weak map of options, of which each is new, would be filled and emptied without end.
 */
class Made extends Itself {
  #drawer: string

  private constructor(options: object, drawer: string) {
    super(options)
    this.#drawer = drawer
  }

  /** Notes the drawer of what has none yet, and returns it. */
  static note(options: object, drawer: string): string {
    new Made(options, drawer)
    return drawer
  }

  static drawerOf(options: object): string | undefined {
    return #drawer in options ? options.#drawer : undefined
  }
}

/** By agent: the drawer that it was used in first. */
const firstDrawers = new WeakMap<object, string>()

function firstOf(agent: object): string {
  // What everybody shares is not the first context's that happens to use it.
  return drawerOf(isShared(agent) ? outsideOrHome() : hereOrHome())
}

/** Which network's files something belongs to, `net:[…]` or home's, by namespace. */
const known = new WeakMap<Namespace, string>()

function drawerOf(place: Namespace | undefined): string {
  if (place === undefined) return HOME
  let drawer = known.get(place)
  if (drawer === undefined) {
    drawer = place.isHome ? HOME : place.id
    known.set(place, drawer)
  }
  return drawer
}

function isShared(agent: object): boolean {
  return agent === builtin(isSecure(agent) ? 'https' : 'http').globalAgent
}

/** An agent of https is proof that its module, and so all of TLS, is loaded. */
function isSecure(agent: object): boolean {
  return Reflect.get(agent, 'protocol') === 'https:'
}
