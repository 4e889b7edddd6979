/** Touches what is built on undici for the first time, in two namespaces in one go, and prints who answers whom then. */
import { once } from 'node:events'
import { NetNs } from 'node-netns'

// To import it would touch `http.WebSocket`.
const http = process.getBuiltinModule('node:http')
const URL_OF_BOTH = 'http://127.0.0.1:8000/'
const read = async () => (await (await fetch(URL_OF_BOTH)).text()).trim()
const touches = {
  fetch: read,
  WebSocket() {
    new WebSocket('ws://127.0.0.1:8000/').onerror = () => {}
  },
  EventSource() {
    new EventSource(URL_OF_BOTH)
  },
  nothing() {}
}

async function serve(text) {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${text}\n\n`)
  })
  await once(server.listen(8000, '127.0.0.1'), 'listening')
}

const places = [NetNs.createSync(), NetNs.createSync()]
await Promise.all(places.map((place, index) => place.run(serve, ['red', 'blue'][index])))
const touch = touches[process.argv[2]]
await Promise.all(places.map((place) => place.run(touch)))
// Time for connections to come back to where they are kept.
await new Promise((resolve) => setTimeout(resolve, 50))
const outside = await read().catch((error) => error.cause.code)
const inside = await Promise.all(places.map((place) => place.run(read)))
console.log(JSON.stringify([...inside, outside]))
process.exit()
