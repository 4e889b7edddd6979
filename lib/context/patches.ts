/** Replacements of properties that can be taken back, so that hooks are installed together or not at all. */
import { nameOfBuiltin } from '../builtin.ts'
import { readOnly } from '../errors.ts'

// biome-ignore lint/suspicious/noExplicitAny: a replacement has whatever signature the original has.
export type AnyFunction = (this: any, ...args: any[]) => any

/** What is copied in a quicker way, and what a function has of its own. */
const COMMON: (string | symbol)[] = ['name', 'length', 'prototype', 'arguments', 'caller']

/** A set of replacements. Its methods are functions by themselves, as those can be compiled together with their file. */
export class Patches {
  /** What puts each back. */
  readonly undos: (() => void)[] = []
  /** Replaces a method by what `make` makes of it; its name, length and other properties stay. */
  readonly method = method
  /** As {@link method}, for whoever has the original: another function for each hook takes as long as to put it on. */
  readonly replace = replace
  /** Replaces the value of a property, own or inherited. */
  readonly value = value
  /** Replaces a property as a whole. Throws `ERR_NETNS_RUNTIME` where that may not be, as of what is frozen. */
  readonly define = define
  /** Has `undo` called when everything is put back. */
  readonly whenUndone = whenUndone
  /** Puts everything back, last first. */
  readonly undo = undo
}

function method(
  this: Patches,
  target: object,
  name: string | symbol,
  make: (original: AnyFunction) => AnyFunction
): void {
  this.replace(target, name, make(Reflect.get(target, name) as AnyFunction))
}

function replace(this: Patches, target: object, name: string | symbol, replacement: AnyFunction): void {
  const original = Reflect.get(target, name) as AnyFunction
  Object.defineProperty(replacement, 'name', { value: original.name })
  Object.defineProperty(replacement, 'length', { value: original.length })
  Reflect.ownKeys(original).forEach((key) => {
    if (COMMON.includes(key)) return
    Object.defineProperty(replacement, key, Object.getOwnPropertyDescriptor(original, key) as PropertyDescriptor)
  })
  this.value(target, name, replacement)
}

function value(this: Patches, target: object, name: string | symbol, replacement: unknown): void {
  const before = Object.getOwnPropertyDescriptor(target, name)
  if (before?.writable === true) {
    Reflect.set(target, name, replacement)
    this.undos.push(() => Object.defineProperty(target, name, before))
    return
  }
  this.define(target, name, {
    configurable: before?.configurable ?? true,
    enumerable: before?.enumerable ?? false,
    writable: true,
    value: replacement
  })
}

function define(this: Patches, target: object, name: string | symbol, descriptor: PropertyDescriptor): void {
  const before = Object.getOwnPropertyDescriptor(target, name)
  if (!Reflect.defineProperty(target, name, descriptor)) throw readOnly(nameIn(target, name))
  this.undos.push(() => {
    if (before === undefined) Reflect.deleteProperty(target, name)
    else Object.defineProperty(target, name, before)
  })
}

/** What a property of Node's is known as. */
function nameIn(target: object, name: string | symbol): string {
  const owner = Object.hasOwn(target, 'constructor') ? `${target.constructor.name}.prototype` : nameOfBuiltin(target)
  return owner === undefined ? String(name) : `${owner}.${String(name)}`
}

function whenUndone(this: Patches, undo: () => void): void {
  this.undos.push(undo)
}

function undo(this: Patches): void {
  for (const undo of this.undos.splice(0).reverse()) undo()
}
