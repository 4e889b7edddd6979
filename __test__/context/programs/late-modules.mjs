/**
 * Loads one of Node's modules for the first time after contexts were used, uses it in two namespaces and at home at once,
 * and prints what came of it in each. Arguments: the module, how to load it, and where.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { NetNs } from 'node-netns'

const [name, way, where] = process.argv.slice(2)
const PORT = 8000
const ADDRESS = '127.0.0.1'

const ways = {
  'import()': () => import(`node:${name}`),
  'an import of a module': () => import(`data:text/javascript,export * from 'node:${name}'`),
  require: () => createRequire(import.meta.url)(name),
  getBuiltinModule: () => process.getBuiltinModule(name)
}

/** Uses of a module: each resolves with something of the place where it is made, whose label it is given. */
const uses = {
  async net({ createServer, connect }, label) {
    await event(createServer((socket) => socket.end(label)).listen(PORT, ADDRESS), 'listening')
    return read(connect(PORT, ADDRESS))
  },
  async http({ createServer, get }, label) {
    await event(createServer((_, response) => response.end(label)).listen(PORT, ADDRESS), 'listening')
    return read(await event(get({ host: ADDRESS, port: PORT }), 'response'))
  },
  // One agent, whose names for what it keeps must differ.
  https({ globalAgent }) {
    return /net:\[\d+\]/.exec(globalAgent.getName({ host: ADDRESS, port: PORT }))?.[0] ?? 'as at home'
  },
  async dgram({ createSocket }, label) {
    const server = createSocket('udp4').on('message', (_, { port }) => server.send(label, port, ADDRESS))
    server.bind(PORT, ADDRESS)
    await event(server, 'listening')
    const client = createSocket('udp4')
    client.send('?', PORT, ADDRESS, (error) => error && client.emit('error', error))
    return String(await event(client, 'message'))
  },
  async dns({ lookup }) {
    return new Promise((done, failed) => lookup('db.internal', (error, found) => (error ? failed(error) : done(found))))
  },
  async 'dns/promises'({ lookup }) {
    return (await lookup('db.internal')).address
  },
  async worker_threads({ Worker }) {
    const script = `const { getBuiltinModule } = process
      getBuiltinModule('worker_threads').parentPort.postMessage(getBuiltinModule('fs').readlinkSync('/proc/thread-self/ns/net'))`
    return event(new Worker(script, { eval: true }), 'message')
  },
  async child_process({ execFile, execSync, spawnSync }) {
    const link = '/proc/self/ns/net'
    const found = await new Promise((done) => execFile('readlink', [link], (_, stdout) => done(stdout)))
    const others = [spawnSync('readlink', [link]).stdout, execSync(`readlink ${link}`)]
    return [...new Set([found, ...others].map((text) => String(text).trim()))].join()
  },
  async cluster({ default: cluster, ...more }) {
    const { setupPrimary, fork } = cluster ?? more
    setupPrimary({ exec: fileURLToPath(new URL('cluster.mjs', import.meta.url)) })
    const worker = fork()
    const { ready } = await event(worker, 'message')
    worker.process.kill()
    return ready
  },
  os: ({ networkInterfaces }) => Object.keys(networkInterfaces()).join(),
  inspector({ open, close }) {
    open(0)
    close()
    return 'open'
  }
}

function event(emitter, type) {
  return new Promise((done, failed) => emitter.once(type, done).once('error', failed))
}

async function read(stream) {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

const isLoaded = () => process.moduleLoadList?.includes(`NativeModule ${name}`)
const places = ['red', 'blue'].map((label, index) => {
  mkdirSync(`/etc/netns/${label}`, { recursive: true })
  writeFileSync(`/etc/netns/${label}/hosts`, `192.0.2.${index + 1} db.internal\n`)
  return { label, ns: NetNs.createSync({ name: label }) }
})
const [red] = places
// Node 24 loads this one for itself.
if (isLoaded() && name !== 'os') throw new Error(`${name} is loaded already`)
const broken = () => {
  throw Object.assign(new Error('This runtime is broken.'), { code: 'BROKEN' })
}
const { construct, setPrototypeOf } = Reflect
const first = where === 'inside' ? red.ns.run(ways[way]) : red.ns.run(() => undefined)
// Whoever makes Workers cannot be watched then.
if (where === 'loaded in a broken runtime') Reflect.setPrototypeOf = broken
const module = await (where === 'inside' ? first : ways[way]())
Reflect.setPrototypeOf = setPrototypeOf
const use = async (label) => {
  try {
    return await uses[name](module, label)
  } catch (error) {
    return error.code
  }
}
// What has to be known of Workers cannot be found out then, and is looked for again with the next.
if (where === 'first used in a broken runtime') Reflect.construct = broken
const early = red.ns.run(use, 'red')
Reflect.construct = construct
const found = await Promise.all([early, places[1].ns.run(use, 'blue'), use('home')])
const ids = [...places.map(({ ns }) => ns.id), NetNs.home().id]
const known = new Map(ids.map((id, index) => [id, ['red', 'blue', 'home'][index]]))
console.log(JSON.stringify(found.map((text) => known.get(text) ?? text)))
for (const { label } of places) NetNs.deleteSync(label)
process.exit()
