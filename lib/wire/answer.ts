/** What native code answers. */
import type { NetlinkReply } from '../native.ts'
import { type Refusal, refused } from './errors.ts'
import { Reader } from './reader.ts'

/** Messages alone, if everything went well. */
export type Given = Buffer | NetlinkReply

/** The messages of an answer, and what was refused. */
export interface Answer {
  /** Of what was asked on this thread, it is good until the next such question. */
  reader: Reader
  refusals: readonly Refusal[]
  /** To how many recipients the messages were sent, if something was refused. */
  sent?: number
  /** It may have gaps, as what was listed kept changing. */
  interrupted?: boolean
}

/** Nothing was refused. */
export const NONE: readonly Refusal[] = []

/** Reads an answer. */
export function answerOf(given: Given): Answer {
  if (!('refusals' in given)) return { reader: new Reader(given), refusals: NONE }
  const { data, refusals, sent, interrupted } = given
  return { reader: new Reader(data), refusals, sent, interrupted }
}

/** As {@link answerOf}; the first refusal is thrown, with `words` for what was attempted. */
export function accepted(answer: Answer, words: string): Answer {
  const [refusal] = answer.refusals
  if (refusal !== undefined) throw refused(refusal, words)
  return answer
}
