/**
 * Connections that `http.Agent` keeps never cross: those of each network are filed under names of their own. Where an
 * agent is used first they are Node's, which programs look up in `agent.sockets`; elsewhere they say which network.
 */
import type { AsyncResource } from 'node:async_hooks'
import { builtin } from '../builtin.ts'
import type { Namespace } from '../namespace.ts'
import { remembering } from './agent-names.ts'
import { drawerFor, drawerHere, firstOf, isSecure, looksMade, Made, type Use, use, useOf } from './drawers.ts'
import { keepThroughScripts } from './interruptions.ts'
import type { AnyFunction, Patches } from './patches.ts'
import { contextOf, runIn } from './storage.ts'

/** What hooks are put on. */
type Hooked = 'getName' | 'addRequest' | 'createSocket' | 'removeSocket'

/** Puts the hooks on. */
export function hookAgents(patches: Patches): void {
  // The agent of https asks this one for the first part of its names.
  const agent = builtin('_http_agent').Agent.prototype as unknown as Record<Hooked, AnyFunction>
  const { getName, addRequest, createSocket, removeSocket } = agent
  const nameOf = remembering(getName)
  /** Looked for when a request is queued, as Node takes a third of a millisecond to queue its first. */
  let noteKey: symbol | null | undefined
  const contexts = new WeakMap<object, Namespace | undefined>()
  /** The agent that Node asks for a name next, where it was used first, so that the name is Node's. */
  let plain: object | undefined
  /** The agent that Node asks for a name next otherwise, the drawer, and whether the options are kept with a socket. */
  let next: { agent: object; drawer: string; marks: boolean } | undefined
  /** Whether a subclass is asked, so that it is not for Node's name, of which it makes its own, to say which network. */
  let within = false
  // For every connection three times or more: what others this costs is more than what it does.
  patches.replace(agent, 'getName', function (this: object | undefined, options: unknown) {
    const name = nameOf.call(this, options)
    // Of no agent, which Node does not mind.
    if (within || this === undefined || this === null) return name
    if (this !== plain) return nameApart(this, name, options)
    plain = undefined
    return name
  })
  noteInner(agent.getName, getName)
  const named = agent.getName
  /** A request that is being added, until a socket is made for it. */
  let added: object | undefined
  patches.replace(
    agent,
    'addRequest',
    function (this: Named, request: AddedRequest, options: unknown, port: unknown, localAddress: unknown) {
      const outer = { added, plain, next, within }
      const used = useBy(this)
      const drawer = drawerHere()
      const isPlain = this.getName === named && drawer === used.first
      plain = isPlain ? this : undefined
      next = isPlain ? undefined : { agent: this, drawer, marks: false }
      within = false
      added = request
      try {
        return addRequest.call(this, request, options, port, localAddress)
      } finally {
        // Most have a socket by now, or Node keeps where they were made with what it queues. This one waits elsewhere.
        if (added === request && request.reusedSocket !== true && noteOf(request) === undefined) {
          contexts.set(request, contextOf())
        }
        ;({ added, plain, next, within } = outer)
      }
    }
  )
  // A queued request may get its socket when one of another name closes, in that one's context.
  patches.replace(
    agent,
    'createSocket',
    function (this: Dialling, request: AddedRequest, options: unknown, callback: unknown) {
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
    const before = { added, plain, next, within }
    return () => {
      ;({ added, plain, next, within } = before)
    }
  })

  function nameApart(self: object, name: unknown, options: unknown): unknown {
    const used = useOf(self)
    let drawer: string | undefined
    if (typeof options === 'object' && options !== null) {
      if (next?.agent === self) {
        drawer = next.drawer
        if (next.marks) Made.note(options, drawer)
        // What is asked for from here on is something else, which may be elsewhere.
        next = undefined
      } else {
        if (used?.marks !== false) drawer = Made.drawerOf(options)
        if (drawer === undefined && used?.unmarked === true && looksMade(options)) drawer = used.first
      }
    }
    drawer ??= drawerFor(self)
    return drawer === (used?.first ?? firstOf(self)) ? name : `${name}:${drawer}`
  }

  /** How an agent is used, whose names are ours to see from now on. */
  function useBy(self: Named): Use {
    if (self.getName !== named && !isUsual(self, named)) renameApart(self)
    return useOf(self) ?? use(self)
  }

  /** Names that a subclass makes without Node's are kept apart as well. */
  function renameApart(self: Named): void {
    const own = self.getName
    const value = function (this: Named, options: unknown) {
      const outer = within
      within = true
      let name: unknown
      try {
        name = own.call(this, options)
      } finally {
        within = outer
      }
      return outer ? name : nameApart(this, name, options)
    }
    noteInner(value, own)
    renamed.add(value)
    Object.defineProperty(self, 'getName', { value, configurable: true, writable: true })
  }

  function make(self: Dialling, request: AddedRequest, options: unknown, callback: unknown) {
    const outer = { plain, next, within }
    // An agent may add requests by itself.
    const used = useBy(self)
    const drawer = drawerHere()
    if (self.getName !== named || drawer !== used.first || keeps(self)) used.marks = true
    else if (!used.marks) used.unmarked = true
    plain = used.marks ? undefined : self
    next = used.marks ? { agent: self, drawer, marks: true } : undefined
    within = false
    try {
      return createSocket.call(self, request, options, callback)
    } finally {
      ;({ plain, next, within } = outer)
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

interface Dialling extends Named {
  createSocket: AnyFunction
  keepAlive?: boolean
  maxSockets?: number
  maxTotalSockets?: number
}

/** Whether another request than it was made for may get a socket of an agent's, as it is set now. */
function keeps({ keepAlive, maxSockets, maxTotalSockets }: Dialling): boolean {
  return keepAlive !== false || maxSockets !== Number.POSITIVE_INFINITY || maxTotalSockets !== Number.POSITIVE_INFINITY
}

/** The `getName` of agents whose own does not come by Node's. */
const renamed = new WeakSet<AnyFunction>()

/** On a `getName` of ours, of whichever copy of this library: what it asks itself. */
const INNER = Symbol.for('node-netns.inner')

function noteInner(outer: AnyFunction, inner: AnyFunction): void {
  Object.defineProperty(outer, INNER, { value: inner, configurable: true })
}

/** Whether an agent's names come by `named`, as those of https do, or were seen to, though another copy's are around. */
function isUsual(agent: Named, named: AnyFunction): boolean {
  let found: AnyFunction | undefined = agent.getName
  while (found !== undefined) {
    if (found === named || renamed.has(found)) return true
    if (isSecure(agent) && found === builtin('https').Agent.prototype['getName' as never]) return true
    found = (found as { [INNER]?: AnyFunction })[INNER]
  }
  return false
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
