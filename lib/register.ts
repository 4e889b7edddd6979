/** The preload: hooks before everything else, in the program and in the Workers that contexts start. */
import { getEnvironmentData, isMainThread } from 'node:worker_threads'
import { WORKER_NAME } from './context/calls.ts'
import { outside } from './context/context.ts'
import { install } from './context/install.ts'
import { isHome } from './namespace.ts'
import { NetNs } from './netns.ts'

/**
 * Installs the hooks. A Worker that was born inside a namespace stays there with all it does; otherwise `name` says
 * where the program lives.
 *
 * @throws `ENOENT` if there is no such name, `ERR_NETNS_RUNTIME`
 */
export function register(name: string | undefined): void {
  const thread = NetNs.current()
  if (!isMainThread && !isHome(thread)) outside(new NetNs(thread.handle.share(), nameOfWorker()))
  else if (name !== undefined && name !== '') outside(NetNs.fromName(name))
  else install(thread)
}

function nameOfWorker(): string | undefined {
  const name = getEnvironmentData(WORKER_NAME)
  return typeof name === 'string' ? name : undefined
}
