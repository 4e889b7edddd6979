/** `ip rule`. */
import type { Namespace } from '../namespace.ts'
import { FLAG, Request } from '../wire/request.ts'
import { checkFamilyNumber } from './check.ts'
import { later, now, type Operation } from './operation.ts'
import { decodeRule, RULE_MESSAGE, type Rule } from './rule.ts'
import { describeRule, type RuleSpec, writeRule } from './rule-spec.ts'
import { change, dump } from './transport.ts'

/** The rules of one namespace. Changes throw `EPERM` without `CAP_NET_ADMIN` there. */
export class Rules {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * All rules, or those of one family (`RTM_GETRULE`), in the order in which they are asked.
   *
   * @throws `ERR_NETNS_INTERRUPTED`, with `partial`
   */
  list(filter: { family?: 4 | 6 } = {}): Promise<Rule[]> {
    return later(this.#list(filter))
  }

  /** As {@link list}, on this thread: for some tens of microseconds. */
  listSync(filter: { family?: 4 | 6 } = {}): Rule[] {
    return now(this.#list(filter))
  }

  *#list(filter: { family?: 4 | 6 }): Operation<Rule[]> {
    const family = checkFamilyNumber(filter.family, 'filter.family')
    const request = Request.take().begin(RULE_MESSAGE.get, FLAG.dump)
    request.u32(family).u32(0).u32(0).end()
    return yield* dump(this.#namespace, request, decodeRule, 'list rules')
  }

  /**
   * Adds a rule (`RTM_NEWRULE`).
   *
   * @example
   * ```ts
   * await red.rules.add({ fwmark: 1, table: 100 })
   * ```
   * @throws `EEXIST` if there is the same
   */
  add(rule: RuleSpec): Promise<void> {
    return later(this.#add(rule))
  }

  /** As {@link add}, on this thread: for some ten microseconds. */
  addSync(rule: RuleSpec): void {
    now(this.#add(rule))
  }

  *#add(rule: RuleSpec): Operation<void> {
    const request = Request.take()
    writeRule(request, rule, 'rule', FLAG.create | FLAG.excl | FLAG.ack, RULE_MESSAGE.new)
    yield* change(this.#namespace, request, describeRule('add', rule))
  }

  /**
   * Deletes the first rule that what is given fits (`RTM_DELRULE`).
   *
   * @throws `ENOENT` if none fits
   */
  delete(rule: RuleSpec): Promise<void> {
    return later(this.#delete(rule))
  }

  /** As {@link delete}, on this thread: for some ten microseconds. */
  deleteSync(rule: RuleSpec): void {
    now(this.#delete(rule))
  }

  *#delete(rule: RuleSpec): Operation<void> {
    const request = Request.take()
    writeRule(request, rule, 'rule', FLAG.ack, RULE_MESSAGE.delete)
    yield* change(this.#namespace, request, describeRule('delete', rule))
  }

  /**
   * Deletes all rules but the kernel's own (priorities 0, 32766 and 32767).
   *
   * @returns how many were deleted
   * @throws as {@link list}
   */
  flush(filter: { family?: 4 | 6 } = {}): Promise<number> {
    return later(this.#flush(filter))
  }

  /** As {@link flush}, on this thread: for some ten microseconds each. */
  flushSync(filter: { family?: 4 | 6 } = {}): number {
    return now(this.#flush(filter))
  }

  *#flush(filter: { family?: 4 | 6 }): Operation<number> {
    const own = (yield* this.#list(filter)).filter((rule) => rule.protocol !== 'kernel' || rule.vrf)
    for (const { priority, family } of own) yield* this.#delete({ priority, family })
    return own.length
  }
}
