/** Links that move to another namespace and come back as they were. */
import { NetnsError } from '../errors.ts'
import { Namespace } from '../namespace.ts'
import { FLAG, Request } from '../wire/request.ts'
import type { Address, AddressSpec } from './address.ts'
import { Addresses } from './addresses.ts'
import { checkLink, checkLinkName, type LinkRef, nameLink } from './check.ts'
import { noLink } from './errors.ts'
import { IFLA, LINK_MESSAGE, type Link } from './link.ts'
import type { Links } from './links.ts'
import { later } from './operation.ts'
import type { Route } from './route.ts'
import type { RouteSpec } from './route-spec.ts'
import { Routes } from './routes.ts'
import { change } from './transport.ts'

/** Room in 15 bytes for a number behind a name that is taken. */
const STEM = 12
/** What routing daemons and routers put back by themselves, and the kernel has made. */
const TRANSIENT = new Set(['kernel', 'redirect', 'ra'])

/** A link that has moved. */
export interface Moved {
  /** As it is now, where it is now. */
  link: Link
  /**
   * Brings it back as it was: name, up, master, addresses, routes. If its name is taken there by now, it gets one that
   * begins alike. Once: a second call throws `ERR_NETNS_CLOSED`. Until then the namespace it went to stays open.
   *
   * @returns the link as it is then
   * @throws `ENODEV` if it is gone
   */
  restore(): Promise<Link>
}

/** A link that goes back when it is disposed of. */
export type Borrowed = Link & AsyncDisposable

/** Everything that the kernel forgets about a link when it moves. */
interface Memory {
  link: Link
  addresses: Address[]
  routes: Route[]
}

/** The two namespaces of a move, and their links. */
interface Way {
  from: Namespace
  to: Namespace
  fromLinks: Links
  toLinks: Links
}

/** @internal */
export async function moveLink(
  from: Namespace,
  ref: LinkRef,
  to: Namespace,
  linksOf: (namespace: Namespace) => Links,
  options: { name?: string | undefined }
): Promise<Moved> {
  const target = checkLink(ref, 'link')
  const name = options.name === undefined ? undefined : checkLinkName(options.name, 'options.name')
  const words = `move link ${nameLink(ref)}`
  const [fromLinks, toLinks] = [linksOf(from), linksOf(to)]
  const link = await fromLinks.get(target)
  if (link === undefined) throw noLink(nameLink(ref), words)
  const memory: Memory = {
    link,
    addresses: await new Addresses(from).list({ dev: link }),
    routes: await new Routes(from).list({ table: 'all', dev: link })
  }
  const arrived = name ?? link.name
  // The kernel moves first and renames then: a name that is taken must be found out before.
  if ((await toLinks.get(arrived)) !== undefined) throw taken(arrived, words)
  await transfer(from, link.index, to, name, words)
  const moved = await toLinks.get(arrived)
  if (moved === undefined) throw noLink(arrived, words)
  // Handles of its own: a link must not be lost because somebody closed theirs.
  const [home, away] = [new Namespace(from.handle.share()), new Namespace(to.handle.share())]
  const way: Way = { from: home, to: away, fromLinks: linksOf(home), toLinks: linksOf(away) }
  const bringBack = async () => {
    const back = await restore(memory, way, moved.index)
    home.close()
    away.close()
    return back
  }
  return { link: moved, restore: bringBack }
}

/** @internal */
export async function borrowLink(...move: Parameters<typeof moveLink>): Promise<Borrowed> {
  const { link, restore } = await moveLink(...move)
  let back: Promise<Link> | undefined
  const dispose = async () => {
    back ??= restore()
    await back
  }
  return Object.defineProperty(link, Symbol.asyncDispose, { value: dispose }) as Borrowed
}

async function transfer(from: Namespace, index: number, to: Namespace, name: string | undefined, words: string) {
  const request = new Request().begin(LINK_MESSAGE.new, FLAG.ack)
  request.linkHeader(index)
  if (name !== undefined) request.attributeText(IFLA.name, name)
  request.attributeNamespace(IFLA.namespace, to).end()
  await later(change(from, request, words))
}

async function restore(memory: Memory, { from, to, fromLinks, toLinks }: Way, index: number): Promise<Link> {
  const { link } = memory
  const words = `bring link ${link.name} back`
  if ((await toLinks.get(index)) === undefined) throw noLink(link.name, words)
  const before = new Set((await fromLinks.list()).map((other) => other.name))
  const free = !before.has(link.name)
  // With %d the kernel finds a number that is free.
  await transfer(to, index, from, free ? link.name : `${link.name.slice(0, STEM)}%d`, words)
  const back = free ? await fromLinks.get(link.name) : (await fromLinks.list()).find(({ name }) => !before.has(name))
  if (back === undefined) throw noLink(link.name, words)
  await remember(memory, from, fromLinks, back)
  return (await fromLinks.get(back.index)) ?? back
}

async function remember(memory: Memory, from: Namespace, fromLinks: Links, back: Link): Promise<void> {
  const { link, addresses, routes } = memory
  if (link.master !== undefined && (await fromLinks.get(link.master)) !== undefined) {
    await fromLinks.set(back, { master: link.master })
  }
  if (link.up) await fromLinks.set(back, { up: true })
  const given = await new Addresses(from).add(returningAddresses(addresses, back))
  const returned = await new Routes(from).add(returningRoutes(routes, link.name, back))
  // What the kernel made by itself when the link came up is there already.
  const failure = [...given.failed, ...returned.failed].find(({ error }) => error.code !== 'EEXIST')
  if (failure !== undefined) throw failure.error
}

// One by one, as there may be ten thousands.
function* returningAddresses(addresses: Address[], back: Link): Generator<AddressSpec, void, void> {
  for (const { label, ...address } of addresses) {
    yield { ...address, dev: back, noDad: address.flags.includes('nodad') }
  }
}

/** Those to its own networks first, as gateways are reached by them. */
function* returningRoutes(routes: Route[], before: string, back: Link): Generator<RouteSpec, void, void> {
  for (const far of [false, true]) {
    for (const route of routes) {
      if ((route.via !== undefined) === far && !TRANSIENT.has(route.protocol)) yield onto(route, before, back)
    }
  }
}

/** The same route, along the link as it is called now. */
function onto(route: Route, before: string, link: Link): RouteSpec {
  const nexthops = route.nexthops?.map((hop) => (hop.dev === before ? { ...hop, dev: link } : hop))
  if (nexthops !== undefined) return { ...route, nexthops }
  return route.dev === undefined ? route : { ...route, dev: link }
}

function taken(name: string, words: string): NetnsError {
  const message = `EEXIST: file exists, netlink: cannot ${words}: there is a link '${name}' already. Pass another name.`
  return new NetnsError({ code: 'EEXIST', errno: -17, syscall: 'netlink', message })
}
