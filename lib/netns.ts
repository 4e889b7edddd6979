/** The public class: a namespace, where to get one, and what to do in it. */

import { loadAhead } from './ahead.ts'
import type { Command } from './command/command.ts'
import type { CommandOptions } from './command/options.ts'
import type { Wrapper, WrapperOptions } from './command/wrapper.ts'
import { hereOrHome } from './context/place.ts'
import { foreignContext } from './context/storage.ts'
import { badDescriptor } from './errors.ts'
import { attempt } from './native.ts'
import { Equipped } from './node/equipped.ts'
import { parts } from './parts.ts'
import type { CreateOptions, DeleteOptions, NamedNetNs, NameEvent, RegistryOptions, WatchOptions } from './registry.ts'
import * as registry from './registry.ts'
import * as thread from './thread.ts'
import { validateDescriptor, validateFunction, validateId, validatePath } from './validate.ts'

/** The part's own, as to ask for the part each time takes as long as all checks. */
let goInside: typeof parts.context.runSync | undefined

/**
 * A Linux network namespace, held open by a descriptor. Handles cannot be sent to a Worker: send {@link fd} and open it
 * there with {@link NetNs.fromFd}, or send the name.
 *
 * @example
 * ```ts
 * using red = NetNs.createSync()
 * const names = red.runSync(() => Object.keys(os.networkInterfaces())) // [ 'lo' ]
 * ```
 */
export class NetNs extends Equipped {
  /**
   * The namespace of the running async context; outside of any, of the calling thread. A handle of its own: closing it
   * leaves the context as it is.
   *
   * @throws `EMFILE`; `ERR_NETNS_CLOSED` in the context of a handle that was closed
   */
  static current(): NetNs {
    const place = hereOrHome()
    if (place !== undefined)
      return new NetNs(
        attempt(() => place.handle.share()),
        place.name
      )
    const foreign = foreignContext()
    return foreign === undefined ? new NetNs(attempt((native) => native.openCurrent())) : NetNs.fromFd(foreign.fd)
  }

  /**
   * What I/O outside of every context does, in this JavaScript realm: goes home, is refused with `ERR_NETNS_OUTSIDE`
   * (so that a lost context is an error, never a leak), or goes to one namespace (so that a whole program lives there).
   * What is open already goes on.
   *
   * @param policy - `'home'` is the default
   * @throws `ERR_NETNS_RUNTIME`, `ERR_NETNS_CLOSED`
   */
  static outside(policy: 'home' | 'deny' | NetNs): void {
    parts.context.outside(policy)
  }

  /** The namespace where the process started: of its main thread, when this library was first used. */
  static home(): NetNs {
    return new NetNs(attempt((native) => native.Handle.home()))
  }

  /**
   * The namespace behind a path, such as `/run/netns/red` or `/proc/1/ns/net`.
   *
   * @throws `ENOENT`, `EACCES`, …; `ERR_NETNS_NOT_NAMESPACE` for a file of any other kind, which is not opened
   */
  static fromPath(path: string | URL | Buffer): NetNs {
    const bytes = validatePath(path)
    loadAhead()
    return new NetNs(attempt((native) => native.Handle.fromPath(bytes)))
  }

  /**
   * The namespace of that name, whoever made it.
   *
   * @throws `ENOENT` if there is none, `ERR_NETNS_NOT_NAMESPACE` if the file is a leftover
   */
  static fromName(name: string, options?: RegistryOptions): NetNs {
    loadAhead()
    return new NetNs(registry.openName(name, options), name)
  }

  /**
   * The namespace of a process's main thread. A pid that is given to another process meanwhile is noticed.
   *
   * @throws `ESRCH` if no such process runs, `EACCES` if it is another user's
   */
  static fromPid(pid: number): NetNs {
    validateId(pid, 'pid')
    loadAhead()
    return new NetNs(attempt((native) => native.Handle.fromPid(pid)))
  }

  /**
   * The namespace of one thread of a process, which can be another than the process's.
   *
   * @throws as {@link fromPid}
   */
  static fromThread(pid: number, tid: number): NetNs {
    validateId(pid, 'pid')
    validateId(tid, 'tid')
    return new NetNs(attempt((native) => native.Handle.fromThread(pid, tid)))
  }

  /**
   * The namespace that an open descriptor is of. The handle has a descriptor of its own; the caller keeps theirs.
   *
   * @throws `EBADF`, `ERR_NETNS_NOT_NAMESPACE`
   */
  static fromFd(fd: number): NetNs {
    validateDescriptor(fd)
    const path = Buffer.from(`/proc/thread-self/fd/${fd}`)
    try {
      return new NetNs(attempt((native) => native.Handle.fromPath(path)))
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? badDescriptor(fd) : error
    }
  }

  /**
   * Makes a namespace (unshare(2)) with `lo` up, and a name if one is given. Nothing of this process moves there.
   * Without `CAP_SYS_ADMIN` a helper process makes it, in a user namespace of this user's.
   *
   * @throws `EPERM` without `CAP_SYS_ADMIN` if there is a name or the system refuses user namespaces, `EEXIST` if the name
   * is taken, `ENOSPC` at the limit of namespaces; nothing is left behind then
   */
  static async create(options?: CreateOptions): Promise<NetNs> {
    loadAhead()
    return new NetNs(await registry.create(options), options?.name)
  }

  /** As {@link create}, blocking for about half a millisecond. */
  static createSync(options?: CreateOptions): NetNs {
    loadAhead()
    return new NetNs(registry.createSync(options), options?.name)
  }

  /**
   * Names under `/run/netns` that can be opened now, in no particular order; `[]` if the directory does not exist.
   *
   * @throws `EACCES`, `ENOTDIR`
   */
  static async list(options?: RegistryOptions): Promise<NamedNetNs[]> {
    return registry.list(options)
  }

  /** As {@link list}, blocking for a microsecond or two a name, or a third of one if no mount changed since the last time. */
  static listSync(options?: RegistryOptions): NamedNetNs[] {
    return registry.listSync(options)
  }

  /**
   * Names that are no namespaces: what a crash or a reboot left, which {@link delete} removes.
   *
   * @throws as {@link list}
   */
  static async listStale(options?: RegistryOptions): Promise<string[]> {
    return registry.listStale(options)
  }

  /**
   * Takes a name away, from `ip netns` too. The namespace itself lives on while a handle or a process does. Leftovers
   * of crashes go as well; what is neither a namespace nor an empty file is not touched.
   *
   * @throws `ENOENT`, `EPERM`; `ERR_NETNS_HOME` for the process's own namespace, unless `force` is set
   */
  static async delete(name: string, options?: DeleteOptions): Promise<void> {
    return registry.remove(name, options)
  }

  /** As {@link delete}, blocking while the kernel unmounts. */
  static deleteSync(name: string, options?: DeleteOptions): void {
    registry.removeSync(name, options)
  }

  /**
   * Names as they come and go, from the call on; `'add'` only once the name can be opened. The process stays alive
   * while a step is awaited.
   *
   * @throws the signal's reason once it is aborted
   */
  static watch(options?: WatchOptions): AsyncIterableIterator<NameEvent> {
    return registry.watch(options)
  }

  /**
   * Gives this namespace a further name.
   *
   * @throws `EEXIST` if the name is taken, `EPERM`, `EACCES`, `ERR_NETNS_CLOSED`
   */
  async attach(name: string, options?: RegistryOptions): Promise<void> {
    return registry.attach(this.handle, name, options)
  }

  /** As {@link attach}, blocking. */
  attachSync(name: string, options?: RegistryOptions): void {
    registry.attachSync(this.handle, name, options)
  }

  /**
   * Every name it has.
   *
   * @throws `ERR_NETNS_CLOSED`; as {@link NetNs.list}
   */
  async names(options?: RegistryOptions): Promise<string[]> {
    return registry.namesOf(this.handle, options)
  }

  /**
   * Runs `fn` in an async context that is in this namespace, through every await, timer and event: whatever Node or a
   * library starts there is inside. Returns what `fn` returns. `docs/contexts.md` says what is covered.
   *
   * @throws what `fn` throws; `ERR_NETNS_RUNTIME` where contexts would not hold; `ERR_NETNS_CLOSED`
   * @example
   * ```ts
   * await red.run(async () => {
   *   http.createServer((request, response) => response.end('hi')).listen(80)
   *   await fetch('http://127.0.0.1/')
   * })
   * ```
   */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    validateFunction(fn)
    return parts.context.run(this, fn, args)
  }

  /**
   * The rest of the running async context is in this namespace, with all that it starts. An event that comes again, such as
   * data of a socket, is where it was before.
   *
   * @throws as {@link run}
   */
  enter(): void {
    parts.context.enter(this)
  }

  /**
   * A function that runs in a context of this namespace wherever it is called, with its own `this` and arguments.
   *
   * @throws as {@link run}
   */
  bind<F extends (...args: never[]) => unknown>(fn: F): F {
    validateFunction(fn)
    return parts.context.bind(this, fn)
  }

  /**
   * The JavaScript thread itself goes in (setns(2)), runs `fn` to its end and comes back, whether `fn` returns or
   * throws. For what Node does synchronously; what `fn` starts and Node finishes later is not covered. Calls nest.
   *
   * If the thread cannot come back, because `fn` gave up the privilege, the process aborts with a message: JavaScript
   * never goes on in the wrong network.
   *
   * @throws what `fn` throws; `EPERM` without `CAP_SYS_ADMIN`, where `run` may do; `ERR_NETNS_NO_RETURN` if the thread could
   * go in but not come back; `ERR_NETNS_ASYNC` if `fn` returns a promise; `ERR_NETNS_CLOSED`
   */
  runSync<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    validateFunction(fn)
    goInside ??= parts.context.runSync
    return goInside(this, fn, args)
  }

  /**
   * Moves the calling JavaScript thread for good, for a Worker that lives in the namespace. Libuv's pool, which does
   * `dns.lookup` and `fs`, stays home.
   *
   * @throws `ERR_NETNS_MAIN_THREAD` on the main thread unless `force` is set; `EBUSY` inside {@link runSync}; `EPERM`;
   * `ERR_NETNS_CLOSED`
   */
  enterThread(options?: thread.EnterThreadOptions): void {
    thread.enterThread(this.handle, options)
  }

  /**
   * A program to be started natively inside: in a time that does not depend on this process's size, with the event loop
   * free, `/etc/netns`, capabilities and user.
   *
   * @param file - a path, or a name to look for in the `PATH` of the child's environment
   * @example
   * ```ts
   * await using ns = await NetNs.create()
   * const { code } = await ns.command('npm', ['test'], { capabilities: [] }).status() // can reach nothing
   * ```
   * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`
   */
  command(file: string, args?: readonly string[], options?: CommandOptions): Command {
    return new parts.command.Command(this, file, args, options)
  }

  /**
   * Writes an executable that runs its arguments inside, or `options.file` with them: for libraries that want the path
   * of an executable. It is removed by {@link Wrapper.dispose} or at the process's end.
   *
   * @example
   * ```ts
   * using chromium = ns.wrapper({ file: 'chromium' })
   * const browser = await puppeteer.launch({ executablePath: chromium.path, pipe: true })
   * ```
   * @throws `ERR_NETNS_CLOSED`; as `fs.writeFile`
   */
  wrapper(options?: WrapperOptions): Wrapper {
    return parts.command.wrap(this, options)
  }
}
