/** A cluster whose worker hears messages in a context, by both ways there are. Prints where. */
import cluster from 'node:cluster'
import { NetNs } from 'node-netns'

if (cluster.isPrimary) {
  const worker = cluster.fork()
  worker.on('message', (said) => {
    if (said === 'ready') worker.send('where?')
    else {
      process.stdout.write(JSON.stringify(said))
      worker.disconnect()
    }
  })
} else {
  const red = NetNs.createSync()
  const seen = {}
  red.run(() => {
    for (const [name, emitter] of Object.entries({ worker: cluster.worker, process })) {
      emitter.on('message', () => {
        seen[name] = NetNs.current().id === red.id
        if (Object.keys(seen).length === 2) process.send(seen)
      })
    }
  })
  process.send('ready')
}
