/** Says what a request comes to, and how often somebody entered a context for it. */
import { AsyncLocalStorage } from 'node:async_hooks'
import http from 'node:http'

let entered = 0
for (const name of ['run', 'enterWith']) {
  const original = AsyncLocalStorage.prototype[name]
  AsyncLocalStorage.prototype[name] = function (...args) {
    entered++
    return original.apply(this, args)
  }
}

const server = http.createServer((_request, response) => response.end('reached'))
server.listen(0, '127.0.0.1', () => {
  http.get({ host: '127.0.0.1', port: server.address().port, agent: false }, async (response) => {
    const text = Buffer.concat(await response.toArray()).toString()
    console.log(JSON.stringify({ text, entered }))
    server.close()
  })
})
