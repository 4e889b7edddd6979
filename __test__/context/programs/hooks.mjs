/** Hooks of modules that hook nothing. */
export const resolve = (specifier, context, next) => next(specifier, context)
