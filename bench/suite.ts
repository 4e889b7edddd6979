/** What a file in `suites/` exports. */
import { NetNs } from 'node-netns'

/** A group of operations and the processes that perform them. */
export interface Suite {
  /** What `npm run bench -- --only NAME` picks. */
  name: string
  /**
   * How each peer is started; those of one and the same command are one process. One whose program is missing on this
   * machine is left out, and the report says so.
   */
  peers: Record<string, PeerCommand>
  operations: Operation[]
  setup?(): void | Promise<void>
  teardown?(): void | Promise<void>
}

/** A program that speaks the protocol of `peers/serve.mjs`. */
export interface PeerCommand {
  file: string
  args: string[]
  /** What has to be on this machine, if not always present: an absolute path or a command. */
  needs?: string
}

/** One thing to do, by several peers. */
export interface Operation {
  name: string
  /** Which peers do it, and what each calls it. The first is what the others are compared with. */
  by: Record<string, string>
  /** Samples a round. */
  batches: number
  /** Operations a sample. */
  size: number
  /** How often each peer has its turn. @defaultValue 12 */
  rounds?: number
  /** Milliseconds of rest before each turn, while the kernel cleans up behind the last one. @defaultValue 0 */
  rest?: number
  /** How many samples each peer takes before the first that counts. @defaultValue those of a round */
  warm?: number
  /**
   * Whether each turn is that of a new process, for what depends on how its code happened to be compiled: one that has
   * done a round before, or, if `'cold'`, nothing.
   *
   * @defaultValue `false`
   */
  fresh?: boolean | 'cold'
  /**
   * How many turns each peer has in a round, of `batches` samples each: short ones, so that what is compared is close in
   * time, by the same processes, so that they need not be started and warmed up for each.
   *
   * @defaultValue 1
   */
  turns?: number
  goals?: Goal[]
  setup?(): void | Promise<void>
  teardown?(): void | Promise<void>
}

/** `peer` takes at most `ratio` times what `against` takes, or at most `over` µs more, or at most `most` µs by median. */
export interface Goal {
  peer: string
  against?: string
  ratio?: number
  over?: number
  most?: number
}

/** For suites whose peers need a namespace of the name `bench`. */
export const oneNamespace: Pick<Suite, 'setup' | 'teardown'> = {
  setup: () => NetNs.createSync({ name: 'bench' }).close(),
  teardown: () => NetNs.deleteSync('bench')
}
