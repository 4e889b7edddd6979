/** A program to be started natively inside a namespace. */
import type { Namespace } from '../namespace.ts'
import { Child } from './child.ts'
import type { Exit } from './launcher.ts'
import { type Checked, type CommandOptions, check } from './options.ts'
import { type Output, output, status } from './output.ts'

/**
 * A program, its arguments and how it is started, to be started as often as wanted.
 *
 * It shares this process's memory until its program runs, so that starting takes the same time whatever the size of
 * this process, and nobody waits until then, so that the event loop goes on.
 */
export class Command {
  readonly #namespace: Namespace
  readonly #checked: Checked

  /** @internal */
  constructor(namespace: Namespace, file: string, args?: readonly string[], options?: CommandOptions) {
    this.#namespace = namespace
    this.#checked = check(namespace, file, args, options)
  }

  /**
   * Starts it. What goes wrong is told by `'error'`, in the shape of Node's: `ENOENT` with `syscall: 'spawn x'`, `path`
   * and `spawnargs`.
   *
   * @throws `ERR_NETNS_CLOSED`
   */
  spawn(): Child {
    return new Child(this.#namespace, this.#checked)
  }

  /**
   * Runs it to its end; it has this process's standard streams, unless `stdio` says otherwise.
   *
   * @throws as {@link spawn}'s `'error'`; `ETIMEDOUT`; `ABORT_ERR`; `ERR_NETNS_CLOSED`
   */
  async status(): Promise<Exit> {
    return status(this.#namespace, this.#checked)
  }

  /**
   * Runs it to its end and collects what it says. A code that is not 0 is no error.
   *
   * @throws as {@link status}, and `ERR_CHILD_PROCESS_STDIO_MAXBUFFER`; errors of a child that was ended have its
   * `stdout` and `stderr` so far
   */
  async output(): Promise<Output> {
    return output(this.#namespace, this.#checked)
  }
}
