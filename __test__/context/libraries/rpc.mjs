/** gRPC, whose channels live long, look names up by themselves and connect again. */
import assert from 'node:assert/strict'
import http from 'node:http'
import grpc from '@grpc/grpc-js'
import axios from 'axios'
import { later, listen, nameServer, namespace } from '../../offline/kit.mjs'

const text = {
  requestStream: false,
  responseStream: false,
  requestSerialize: Buffer.from,
  requestDeserialize: String,
  responseSerialize: Buffer.from,
  responseDeserialize: String
}
const service = {
  ask: { ...text, path: '/test/ask' },
  count: { ...text, path: '/test/count', responseStream: true }
}
const Client = grpc.makeGenericClientConstructor(service, 'test')

async function serve(answer) {
  const server = new grpc.Server()
  server.addService(service, {
    async ask(call, done) {
      // Dials out while it serves.
      const { data } = await axios.get('http://127.0.0.1:8080/')
      done(null, `${answer} ${data} ${call.request}`)
    },
    count(call) {
      for (const number of ['1', '2', '3']) call.write(number)
      call.end()
    }
  })
  const credentials = grpc.ServerCredentials.createInsecure()
  await new Promise((resolve, reject) =>
    server.bindAsync('127.0.0.1:50051', credentials, (error) => (error ? reject(error) : resolve()))
  )
  later(() => server.forceShutdown())
  return server
}

function client(address) {
  const made = new Client(address, grpc.credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 200,
    'grpc.dns_min_time_between_resolutions_ms': 100,
    // Channels to one address share connections otherwise, by a pool of the library's own.
    'grpc.use_local_subchannel_pool': 1
  })
  later(() => made.close())
  return made
}

const ask = (made) =>
  new Promise((resolve, reject) =>
    made.ask(
      'question',
      new grpc.Metadata({ waitForReady: true }),
      { deadline: Date.now() + 10_000 },
      (error, answer) => (error ? reject(error) : resolve(answer))
    )
  )

/** A call that was on the old connection when that broke is not repeated by the library. */
async function askAgain(made, left = 20) {
  try {
    return await ask(made)
  } catch (error) {
    if (left === 0 || ![grpc.status.CANCELLED, grpc.status.UNAVAILABLE].includes(error.code)) throw error
    await new Promise((resolve) => setTimeout(resolve, 50))
    return askAgain(made, left - 1)
  }
}

export default {
  'two namespaces on one port, by a name, streams, and a server that restarts': async () => {
    const places = [namespace(), namespace()]
    await Promise.all(
      places.map((place) =>
        place.run(async () => {
          await nameServer({ 'server.test': '127.0.0.1' })
          await listen(
            http.createServer((_, response) => response.end('behind')),
            8080,
            '127.0.0.1'
          )
          const server = await serve(place.id)
          const stub = client('dns:///server.test:50051')
          assert.equal(await ask(stub), `${place.id} behind question`)
          const numbers = []
          for await (const number of stub.count('please')) numbers.push(number)
          assert.deepEqual(numbers, ['1', '2', '3'])
          server.forceShutdown()
          await serve(`${place.id} again`)
          assert.equal(await askAgain(stub), `${place.id} again behind question`)
        })
      )
    )
  }
}
