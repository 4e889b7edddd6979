/** Configuration calls: each is written once, as what it asks, and carried out off the JavaScript thread or on it. */
import { fromNative } from '../errors.ts'
import { type Native, native } from '../native.ts'
import { Pace } from './pace.ts'

/** One thing that is asked of native code, in both ways. */
export interface Ask<T> {
  /** On this thread, which waits for the answer. */
  now(native: Native): T
  /** Off this thread. */
  later(native: Native): Promise<T> | T
}

/** What a call does: it yields what it asks, is given the answers, and returns the result. */
export type Operation<T> = Generator<Ask<unknown>, T, unknown>

/** Asks, as a part of an operation: `const answer = yield* ask(…)`. */
export function* ask<T>(now: Ask<T>['now'], later: Ask<T>['later']): Operation<T> {
  return (yield { now, later }) as T
}

/** Carries an operation out off this thread. What it asks first is on its way when this returns. */
export async function later<T>(operation: Operation<T>): Promise<T> {
  let step = operation.next()
  while (step.done !== true) {
    let answer: unknown
    try {
      answer = await step.value.later(native())
    } catch (error) {
      step = operation.throw(fromNative(error))
      continue
    }
    step = operation.next(answer)
  }
  return step.value
}

/**
 * Carries an operation out on this thread. Native code has it wait for what other threads were given to do before by the
 * same handle, so that it overtakes nothing; they wait for nobody.
 */
export function now<T>(operation: Operation<T>): T {
  let step = operation.next()
  while (step.done !== true) {
    let answer: unknown
    try {
      answer = step.value.now(native())
    } catch (error) {
      step = operation.throw(fromNative(error))
      continue
    }
    step = operation.next(answer)
  }
  return step.value
}

/** What lets an operation see when others have to have their turn; none if it has the thread to itself. */
export function* pacing(): Operation<Pace | undefined> {
  return yield* ask<Pace | undefined>(
    () => undefined,
    () => new Pace()
  )
}

/** Lets others have a turn. */
export function giveWay(pace: Pace): Operation<void> {
  return ask<void>(
    () => undefined,
    () => pace.giveWay()
  )
}

/** Lets whoever goes on with the result have a turn of its own, where that is due. */
export function finish(pace: Pace): Operation<void> {
  return ask<void>(
    () => undefined,
    () => pace.done()
  )
}
