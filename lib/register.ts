/** The preload: hooks before everything else, in the program and in the Workers that contexts start. */
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'
import { builtin } from './builtin.ts'
import type { WorkerPlace } from './context/late/workers.ts'
import { isTold, setNamed, setTold } from './context/place.ts'
import { closed } from './errors.ts'
import { NetNs } from './netns.ts'
import { parts } from './parts.ts'

/**
 * Installs the hooks. A Worker that was told of its place stays there with all it does, at home too, as does one that was
 * born inside a namespace; otherwise `name` says where the program lives.
 *
 * @throws `ENOENT` if there is no such name, `ERR_NETNS_RUNTIME`
 */
export function register(name: string | undefined): void {
  // The preload may be there twice, required by us and imported by the flags that a Worker inherits.
  if (isTold()) return
  const thread = NetNs.current()
  const told = isMainThread ? undefined : toldOfPlace()
  if (told?.execArgv !== undefined) process.execArgv = told.execArgv
  if (told?.fd !== undefined) parts.context.outside(opened(told.fd, told))
  else if (!isMainThread && !thread.isHome) parts.context.outside(new NetNs(thread.handle.share(), told?.name))
  else if (name === undefined || name === '') parts.context.install(thread)
  // It was started at home, and what it starts is to hear that too.
  else if (told !== undefined) parts.context.outside(thread)
  else parts.context.outside(NetNs.fromName(name))
  if (told !== undefined) setTold()
  if (name !== undefined && name !== '') setNamed()
  // What the program puts in the place of what Node's look-ups call is to be called inside too: the hooks lie beneath.
  builtin('dns')
}

/** What this Worker was told; its own Workers are told by themselves. */
function toldOfPlace(): WorkerPlace | undefined {
  const told = getEnvironmentData(parts.late.WORKER_PLACE) as unknown as WorkerPlace | undefined
  setEnvironmentData(parts.late.WORKER_PLACE, undefined as never)
  return told
}

function opened(fd: number, { name, id }: WorkerPlace): NetNs {
  const found = NetNs.fromFd(fd)
  // Not by `using`: every import of this library would load what older Nodes need for that.
  try {
    // The number is of something else once whoever started this Worker is gone.
    if (found.id !== id) throw closed(id)
    return new NetNs(found.handle.share(), name)
  } finally {
    found.close()
  }
}
