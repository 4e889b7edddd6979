/** Replacements of properties that can be taken back, so that hooks are installed together or not at all. */

// biome-ignore lint/suspicious/noExplicitAny: a replacement has whatever signature the original has.
export type AnyFunction = (this: any, ...args: any[]) => any

/** What is copied in a quicker way, and what a function has of its own. */
const COMMON: (string | symbol)[] = ['name', 'length', 'prototype', 'arguments', 'caller']

/** A set of replacements. */
export class Patches {
  readonly #undo: (() => void)[] = []

  /** Replaces a method by what `make` makes of it; its name, length and other properties stay. */
  method(target: object, name: string | symbol, make: (original: AnyFunction) => AnyFunction): void {
    this.replace(target, name, make(Reflect.get(target, name) as AnyFunction))
  }

  /** As {@link method}, for whoever has the original: another function for each hook takes as long as to put it on. */
  replace(target: object, name: string | symbol, replacement: AnyFunction): void {
    const original = Reflect.get(target, name) as AnyFunction
    Object.defineProperty(replacement, 'name', { value: original.name })
    Object.defineProperty(replacement, 'length', { value: original.length })
    for (const key of Reflect.ownKeys(original)) {
      if (COMMON.includes(key)) continue
      Object.defineProperty(replacement, key, Object.getOwnPropertyDescriptor(original, key) as PropertyDescriptor)
    }
    this.value(target, name, replacement)
  }

  /** As {@link method}, of what Node alone calls, which does not look at the replacement. */
  inner(target: object, name: string, make: (original: AnyFunction) => AnyFunction): void {
    this.value(target, name, make(Reflect.get(target, name) as AnyFunction))
  }

  /** Replaces the value of a property, own or inherited. */
  value(target: object, name: string | symbol, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(target, name)
    if (before?.writable === true) {
      Reflect.set(target, name, value)
      this.#undo.push(() => Object.defineProperty(target, name, before))
      return
    }
    this.define(target, name, {
      configurable: before?.configurable ?? true,
      enumerable: before?.enumerable ?? false,
      writable: true,
      value
    })
  }

  /** Replaces a property as a whole. */
  define(target: object, name: string | symbol, descriptor: PropertyDescriptor): void {
    const before = Object.getOwnPropertyDescriptor(target, name)
    Object.defineProperty(target, name, descriptor)
    this.#undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, name)
      else Object.defineProperty(target, name, before)
    })
  }

  /** Has `undo` called when everything is put back. */
  whenUndone(undo: () => void): void {
    this.#undo.push(undo)
  }

  /** Puts everything back, last first. */
  undo(): void {
    for (const undo of this.#undo.splice(0).reverse()) undo()
  }
}
