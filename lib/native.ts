/** The only importer of the generated loader, which is loaded at the first call, never at import. */
import type * as Binding from '#native'
import { requireOwn } from './builtin.ts'
import { fromNative, NetnsError, unsupported } from './errors.ts'

export type { Handle, NetlinkReply, Order, Watcher } from '#native'

/** The generated typings of the native binding. */
export type Native = typeof Binding

/** What is called often, in its quicker form. */
export type Often = Binding.Often

let loaded: Native | undefined
let quick: Often | undefined

/**
 * The native binding.
 *
 * @throws `ERR_NETNS_UNSUPPORTED` where there is none to load: not Linux, an unknown libc, a package that npm left out.
 */
export function native(): Native {
  loaded ??= load()
  return loaded
}

/**
 * What is called often, in its quicker form.
 *
 * @throws as {@link native}
 */
export function often(): Often {
  quick ??= native().often(offered())
  return quick
}

/** What those calls are given, written right before: an argument takes native code longer to take over. */
function offered(): Often['given'] {
  const given = {
    number: new Uint32Array(1),
    // Room for the longest name.
    letters: new Uint8Array(255),
    callback: (): unknown => undefined,
    // Native code always calls this one, as a function that is new each time takes longer to call.
    call: () => given.callback()
  }
  return given
}

/**
 * Calls native code; what it throws becomes an error of ours.
 *
 * @throws what `call` throws.
 */
export function attempt<T>(call: (binding: Native) => T): T {
  const binding = native()
  try {
    return call(binding)
  } catch (error) {
    throw fromNative(error)
  }
}

/** As {@link attempt} for a promise. The error is made here, on the caller's asynchronous stack. */
export async function attemptAsync<T>(call: (binding: Native) => Promise<T>): Promise<T> {
  const binding = native()
  try {
    return await call(binding)
  } catch (error) {
    throw fromNative(error)
  }
}

function load(): Native {
  if (process.platform !== 'linux') {
    throw unsupported(
      `network namespaces are a feature of Linux, and this is ${process.platform}`,
      'Run on Linux: in a virtual machine or a container with the needed capabilities.'
    )
  }
  try {
    return requireOwn<Native>('#native', (found) => 'often' in found)
  } catch (error) {
    // What says so already is that this runtime has no way to load anything.
    throw error instanceof NetnsError ? error : explain(error)
  }
}

function explain(cause: unknown): NetnsError {
  const platform = `${process.platform}-${process.arch}`
  // The loader tells what became of every file it tried by a chain of causes, in words alone.
  const messages = messagesOf(cause)
  // Where the loader itself is not found, as where code in CommonJS does not know its file, this is not in its package.
  if (import.meta.url === undefined || messages[0]?.includes('#native')) {
    return unsupported(
      'this copy of node-netns was bundled into another file, where its native part cannot be found',
      'Leave the package out of the bundle, as by esbuild --external:node-netns, and install it beside.',
      cause
    )
  }
  const refused = messages.find((message) => !/^(Cannot find|Unsupported)/.test(message))
  if (refused?.includes('loading addons is disabled')) {
    return unsupported(
      'loading native addons is disabled in this process',
      'With the permission model pass --allow-addons; leave --no-addons out.',
      cause
    )
  }
  if (refused !== undefined) {
    return unsupported(
      `the native part of node-netns for ${platform} does not load here (${refused.split('\n')[0]})`,
      'Check that the libc is glibc 2.17 or musl 1.2 or newer.',
      cause
    )
  }
  return unsupported(
    `the native part of node-netns for ${platform} is missing`,
    'Install again without omitting optional dependencies, and delete node_modules and package-lock.json if they were ' +
      'made on another platform. There are builds for x64 and arm64, with glibc and musl.',
    cause
  )
}

function messagesOf(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return []
  const { message, cause } = error as Error
  return [message, ...messagesOf(cause)]
}
