/** In two namespaces, says in which of them a program is told what Node has to tell, and what its older modules keep. */
import diagnostics from 'node:diagnostics_channel'
import domain from 'node:domain'
import repl from 'node:repl'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { NetNs } from 'node-netns'

const [red, blue] = [NetNs.createSync(), NetNs.createSync()]
const names = { [red.id]: 'red', [blue.id]: 'blue' }
const told = {}
const tell = (what) => () => {
  told[what] = names[NetNs.current().id]
}
const throwing = () => {
  throw new Error('thrown')
}
const input = new PassThrough()
const channel = diagnostics.channel('node-netns test')

red.run(() => {
  domain.create().run(setImmediate, tell('a domain'))
  domain.create().once('error', tell('an error that a domain catches')).run(setImmediate, throwing)
  const { context } = repl.start({ input, output: new PassThrough(), prompt: '' })
  context.tell = tell
  input.end("await 0, tell('node:repl')()\n")
  for (const event of ['uncaughtException', 'unhandledRejection', 'warning']) process.once(event, tell(event))
  channel.subscribe(tell('diagnostics_channel'))
})
while (Object.keys(told).length < 3) await sleep(1)
await blue.run(async () => {
  setImmediate(throwing)
  Promise.reject(new Error('refused'))
  process.emitWarning('warned')
  channel.publish('published')
})
while (Object.keys(told).length < 7) await sleep(1)
console.log(JSON.stringify(told))
