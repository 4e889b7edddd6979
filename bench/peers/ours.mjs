/** This library, as built; and, in the same process, on the same thread, the raw system calls. */
import { createRequire } from 'node:module'
import { NetNs } from 'node-netns'
import { serve } from './serve.mjs'

const { RawCalls } = createRequire(import.meta.url)('../../target/bench/raw-calls.node')

function raw(name) {
  return () => {
    const calls = new RawCalls(name)
    return { timed: (size) => calls.time(size) }
  }
}

function listSync() {
  if (NetNs.listSync().length < 1000) throw new Error('names are missing')
}

async function list() {
  if ((await NetNs.list()).length < 1000) throw new Error('names are missing')
}

/** Somebody unmounts a name and mounts another. */
function change() {
  NetNs.deleteSync('one-of-many-0')
  NetNs.createSync({ name: 'one-of-many-0' }).close()
}

serve({
  'raw-current': raw('current'),
  'raw-from-name': raw('from-name'),
  'raw-equals': raw('equals'),
  'raw-run-sync': raw('run-sync'),
  'raw-create': raw('create'),
  'raw-create-named': raw('create-named'),
  'raw-create-named-shared': raw('create-named-shared'),
  'raw-list': raw('list'),
  current() {
    return () => NetNs.current().close()
  },
  'from-name'() {
    return () => NetNs.fromName('bench').close()
  },
  equals() {
    const [one, other] = [NetNs.current(), NetNs.fromName('bench')]
    return () => {
      if (one.equals(other)) throw new Error('two namespaces cannot be one')
    }
  },
  'run-sync'() {
    const inside = NetNs.fromName('bench')
    const nothing = () => {}
    return Object.assign(() => inside.runSync(nothing), { end: () => inside.close() })
  },
  create() {
    return () => NetNs.createSync().close()
  },
  'create-async'() {
    return async () => (await NetNs.create()).close()
  },
  'create-named'() {
    return () => {
      NetNs.createSync({ name: 'ours' }).close()
      NetNs.deleteSync('ours')
    }
  },
  'create-named-async'() {
    return async () => {
      const created = await NetNs.create({ name: 'ours' })
      created.close()
      await NetNs.delete('ours')
    }
  },
  list() {
    return listSync
  },
  'list-async'() {
    return list
  },
  'list-changed'() {
    return { many: () => listSync(), after: change }
  },
  'list-changed-async'() {
    return { many: () => list(), after: change }
  }
})
