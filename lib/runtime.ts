/** What runs this JavaScript. */

/** A runtime and its version. */
export interface Runtime {
  name: 'node' | 'electron' | 'bun' | 'deno'
  /** As the runtime says it, without a `v`. */
  version: string
}

/** The runtime, by what it says of itself: each of them also claims to be Node. */
export function currentRuntime(): Runtime {
  const versions = process.versions as Record<string, string | undefined>
  for (const name of ['electron', 'bun', 'deno'] as const) {
    const version = versions[name]
    if (version !== undefined) return { name, version }
  }
  return { name: 'node', version: process.versions.node }
}
