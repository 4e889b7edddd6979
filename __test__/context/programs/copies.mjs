/**
 * Two copies of the library in one process, the second from another folder or in a realm of its own, as Jest has it. Says
 * where each of what a program does goes in the contexts of either, in one within the other, and at home.
 */
import childProcess from 'node:child_process'
import dns from 'node:dns'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import http from 'node:http'
import { createRequire } from 'node:module'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import vm from 'node:vm'
import worker from 'node:worker_threads'
import { NetNs } from 'node-netns'
import { ask, nameServer } from '../../offline/kit.mjs'

const root = new URL('../../../', import.meta.url)

/** Of Node's own globals, what the library uses. */
const OF_NODE = [
  'AbortController',
  'Buffer',
  'URL',
  'Uint8Array',
  'clearImmediate',
  'clearTimeout',
  'crypto',
  'fetch',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'setTimeout'
]

const copies = {
  async folder() {
    const folder = mkdtempSync('/run/netns-copy-')
    for (const name of ['dist', 'package.json', 'native.cjs']) {
      cpSync(new URL(name, root), `${folder}/${name}`, { recursive: true })
    }
    for (const name of ['node_modules', ...readdirSync(root).filter((file) => file.endsWith('.node'))]) {
      symlinkSync(new URL(name, root), `${folder}/${name}`)
    }
    return import(`${folder}/dist/index.js`)
  },
  async realm() {
    const context = vm.createContext({})
    for (const name of OF_NODE) context[name] = globalThis[name]
    const modules = { ...process.getBuiltinModule('node:module'), createRequire: (url) => requiring(url, context) }
    const getBuiltinModule = (id) => (id === 'node:module' ? modules : process.getBuiltinModule(id))
    context.process = Object.create(process, { getBuiltinModule: { value: getBuiltinModule } })
    const identifier = new URL('dist/index.js', root).href
    const initializeImportMeta = (meta) => Object.assign(meta, { url: identifier })
    const source = readFileSync(new URL(identifier), 'utf8')
    const module = new vm.SourceTextModule(source, { context, identifier, initializeImportMeta })
    await module.link(() => {})
    await module.evaluate()
    return module.namespace
  }
}

/** A `require` that evaluates files of the package in a context. */
function requiring(url, parsingContext) {
  const require = createRequire(url)
  const evaluating = (id) => {
    if (!id.startsWith('./')) return require(id)
    const filename = require.resolve(id)
    const module = { exports: {} }
    const names = ['module', 'require', '__filename']
    const file = vm.compileFunction(readFileSync(filename, 'utf8'), names, { parsingContext, filename })
    file(module, requiring(filename, parsingContext), filename)
    return module.exports
  }
  return Object.assign(evaluating, { resolve: require.resolve })
}

/** What everybody does, by what it says. */
const ways = {
  fetch: async () => (await fetch('http://127.0.0.1/')).text(),
  http: async () => text((await once(http.get('http://127.0.0.1/'), 'response'))[0]),
  net: () => ask(81, '127.0.0.1'),
  look: async () => (await dns.promises.lookup('server.test')).address,
  resolve: async () => (await dns.promises.resolve4('server.test'))[0],
  spawn: () => text(childProcess.spawn('readlink', ['/proc/self/ns/net']).stdout).then(nameOf),
  spawnSync: async () => nameOf(childProcess.spawnSync('readlink', ['/proc/self/ns/net']).stdout),
  worker: async () => {
    const script = `require('worker_threads').parentPort.postMessage(require('fs').readlinkSync('/proc/thread-self/ns/net'))`
    return nameOf((await once(new worker.Worker(script, { eval: true }), 'message'))[0])
  },
  interfaces: async () => Object.keys(networkInterfaces()).join(),
  current: async () => nameOf(NetNs.current().id),
  'current, says the other': async () => nameOf(Other.current().id)
}

async function look() {
  const found = {}
  for (const [name, way] of Object.entries(ways)) {
    found[name] = await way().catch((error) => error.cause?.code ?? error.code ?? String(error))
  }
  return found
}

async function serve(name, address) {
  await once(http.createServer((_, response) => response.end(name)).listen(80, '127.0.0.1'), 'listening')
  await once(net.createServer((socket) => socket.end(name)).listen(81, '127.0.0.1'), 'listening')
  await nameServer({ 'server.test': address })
}

/** Where those are called who listen to the output, and how many are left when all have been taken off. */
async function listening() {
  const where = []
  const listen = () => process.stdout.once('told', () => where.push(nameOf(NetNs.current().id)))
  for (const place of [red, blue]) place.run(listen)
  listen()
  process.stdout.emit('told')
  const nothing = () => {}
  for (const emitter of [process, process.stdout]) {
    for (const put of ['on', 'once', 'prependListener']) {
      for (const event of ['SIGUSR2', 'told']) {
        emitter[put](event, nothing)
        emitter.off(event, nothing)
      }
    }
  }
  const left = ['SIGUSR2', 'told'].flatMap((event) => [
    process.listenerCount(event),
    process.stdout.listenerCount(event)
  ])
  return { where, left }
}

const nameOf = (id) => names[String(id).trim()]

const [kind, first] = process.argv.slice(2)
const { NetNs: Other } = await copies[kind]()
const [red, blue] = [NetNs.createSync(), Other.createSync()]
const names = { [red.id]: 'red', [blue.id]: 'blue', [readlinkSync('/proc/self/ns/net')]: 'home' }
const places = { red, blue }
const [one, other] = first === 'red' ? ['red', 'blue'] : ['blue', 'red']
for (const name of [one, other]) await places[name].run(serve, name, name === 'red' ? '127.0.0.2' : '127.0.0.3')
const told = {
  apart: NetNs !== Other,
  [one]: await places[one].run(look),
  [other]: await places[other].run(look),
  'red in blue': await blue.run(() => red.run(look)),
  'blue in red': await red.run(() => blue.run(look)),
  home: await look(),
  'agents that were given names of their own': [http.globalAgent].filter((agent) => Object.hasOwn(agent, 'getName'))
    .length,
  listeners: await listening()
}
Other.outside(blue)
told['red, while the other is outside in blue'] = await red.run(look)
told['outside in blue'] = await look()
console.log(JSON.stringify(told))
process.exit()
