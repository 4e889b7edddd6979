/** `sysctl`. */
import { invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { ask, later, now, type Operation } from './operation.ts'

/** The kernel's settings of one namespace, below `net.`. */
export class Sysctl {
  readonly #namespace: Namespace

  /** @internal */
  constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  /**
   * Reads a setting.
   *
   * @param name - as `net.ipv4.ip_forward`; in a link's name, `/` stands for a dot, as sysctl(8) has it
   * @throws `ENOENT` if the namespace has no such setting
   */
  get(name: string): Promise<string> {
    return later(this.#get(name))
  }

  /** As {@link get}, on this thread: for some tens of microseconds. */
  getSync(name: string): string {
    return now(this.#get(name))
  }

  *#get(name: string): Operation<string> {
    const checked = checkName(name)
    return yield* ask(
      (native) => native.readSysctlSync(this.#namespace.slot, checked),
      (native) => native.readSysctl(this.#namespace.slot, checked)
    )
  }

  /**
   * Writes a setting, in this namespace alone.
   *
   * @throws `ENOENT`, `EINVAL` for a value that it cannot have, `EACCES` without root in the namespace
   */
  set(name: string, value: string | number): Promise<void> {
    return later(this.#set(name, value))
  }

  /** As {@link set}, on this thread: for some tens of microseconds, or longer where the kernel has much to change. */
  setSync(name: string, value: string | number): void {
    now(this.#set(name, value))
  }

  *#set(name: string, value: string | number): Operation<void> {
    const checked = checkName(name)
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw invalidType('value', 'of type string or number', value)
    }
    const text = String(value)
    yield* ask(
      (native) => native.writeSysctlSync(this.#namespace.slot, checked, text),
      (native) => native.writeSysctl(this.#namespace.slot, checked, text)
    )
  }
}

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
  if (!/^net(\.[^.\0]+)+$/.test(name) || /(^|\.)\/+(\.|$)/.test(name)) {
    throw invalidValue('name', name, "a setting is called like 'net.ipv4.ip_forward'")
  }
  return name
}
