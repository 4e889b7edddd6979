/** ioredis against Redis. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { NetNs } from 'node-netns'
import { later, namespace, program, reachable } from '../offline/kit.mjs'

export const needs = { 'redis-server': 'redis-server' }

async function serve() {
  const stop = program('redis-server', ['--port', '6379', '--bind', '127.0.0.1', '--save', '', '--dir', '/run'])
  await reachable(6379)
  return stop
}

function client() {
  const made = new Redis({ host: 'localhost', retryStrategy: () => 50 })
  made.on('error', () => {})
  later(() => made.disconnect())
  return made
}

export default {
  'two namespaces on one port, messages, and a server that restarts': async () => {
    const places = [namespace(), namespace()]
    await Promise.all(
      places.map((place) =>
        place.run(async () => {
          const stop = await serve()
          const [redis, subscriber] = [client(), client()]
          await redis.set('where', place.id)
          assert.equal(await redis.get('where'), place.id)
          await subscriber.subscribe('news')
          await stop()
          await serve()
          // What was stored is gone: it answers from the new one.
          assert.equal(await redis.get('where'), null)
          await redis.set('where', `${place.id} again`)
          assert.equal(await client().get('where'), `${place.id} again`)
          if (subscriber.status !== 'ready') await once(subscriber, 'ready')
          const heard = new Promise((resolve) =>
            subscriber.once('message', (_, text) => resolve([text, NetNs.current().id]))
          )
          while ((await redis.publish('news', 'hello')) === 0) await new Promise((resolve) => setTimeout(resolve, 20))
          assert.deepEqual(await heard, ['hello', place.id])
        })
      )
    )
  }
}
