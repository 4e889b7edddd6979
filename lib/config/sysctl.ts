/** `sysctl`. */
import { invalidType, invalidValue } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import { attemptAsync } from '../native.ts'

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
  async get(name: string): Promise<string> {
    const checked = checkName(name)
    return attemptAsync((native) => native.readSysctl(this.#namespace.handle, checked))
  }

  /**
   * Writes a setting, in this namespace alone.
   *
   * @throws `ENOENT`, `EINVAL` for a value that it cannot have, `EACCES` without root in the namespace
   */
  async set(name: string, value: string | number): Promise<void> {
    const checked = checkName(name)
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw invalidType('value', 'of type string or number', value)
    }
    await attemptAsync((native) => native.writeSysctl(this.#namespace.handle, checked, String(value)))
  }
}

function checkName(name: unknown): string {
  if (typeof name !== 'string') throw invalidType('name', 'of type string', name)
  if (!/^net(\.[^.\0]+)+$/.test(name) || /(^|\.)\/+(\.|$)/.test(name)) {
    throw invalidValue('name', name, "a setting is called like 'net.ipv4.ip_forward'")
  }
  return name
}
