/** What a bound module is to whoever looks at it: an object with the properties of Node's, to read, replace and mock. */

/**
 * An object with the properties of `module`, of which each is what `memberOf` gives for it at the time. What is set is the
 * object's own from then on, and Node's module stays as it is.
 */
export function facadeOf(module: object, memberOf: (name: string | symbol) => () => unknown): object {
  const own = {}
  for (const name of Reflect.ownKeys(module)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(module, name)
    const set = function (this: object, value: unknown) {
      Object.defineProperty(this, name, { value, enumerable, configurable: true, writable: true })
    }
    Object.defineProperty(own, name, { enumerable, configurable: true, get: memberOf(name), set })
  }
  const members = Object.getOwnPropertyDescriptors(own) as Record<string | symbol, PropertyDescriptor>
  /** What mocks methods looks for properties with a value. */
  const shownOf = (name: string | symbol): PropertyDescriptor | undefined => {
    const found = Reflect.getOwnPropertyDescriptor(own, name)
    if (found?.get === undefined || found.get !== members[name]?.get || !hasValue(module, name)) return found
    return { value: found.get(), enumerable: found.enumerable === true, configurable: true, writable: true }
  }
  return new Proxy(own, {
    getOwnPropertyDescriptor: (_, name) => shownOf(name),
    defineProperty: (_, name, descriptor) => {
      const shown = shownOf(name)
      const isValue = shown?.get === undefined && !('get' in descriptor || 'set' in descriptor)
      // What is not said stays as it is shown.
      const whole = isValue ? { ...shown, ...descriptor } : descriptor
      const member = members[name]
      // A mock that is taken back.
      const isBack =
        member?.get !== undefined &&
        whole.configurable !== false &&
        whole.writable === true &&
        whole.value === member.get()
      return Reflect.defineProperty(own, name, isBack ? member : whole)
    }
  })
}

/** Not so what Node loads when it is first asked for. */
function hasValue(module: object, name: string | symbol): boolean {
  return Reflect.getOwnPropertyDescriptor(module, name)?.get === undefined
}
