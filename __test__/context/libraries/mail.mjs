/** Mail: nodemailer with its pool, to smtp-server, with STARTTLS. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createTransport } from 'nodemailer'
import { SMTPServer } from 'smtp-server'
import { cert, key } from '../../offline/certificate.mjs'
import { later, nameServer, namespace, told } from '../../offline/kit.mjs'

async function serve(place) {
  const letters = []
  const server = new SMTPServer({
    key,
    cert,
    authOptional: true,
    disableReverseLookup: true,
    onData: (stream, session, done) => {
      told(stream).then((text) => {
        letters.push({ text, secure: session.secure, place })
        done()
      }, done)
    }
  })
  server.on('error', () => {})
  const sockets = new Set()
  server.server.on('connection', (socket) => sockets.add(socket))
  server.listen(25, '127.0.0.1')
  await once(server.server, 'listening')
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  later(stop)
  return { letters, stop }
}

export default {
  'a pool of connections in each of two namespaces, and a server that restarts': async () => {
    const places = [namespace(), namespace()]
    await Promise.all(
      places.map((place) =>
        place.run(async () => {
          await nameServer({ 'server.test': '127.0.0.1' })
          const transport = createTransport({
            host: 'server.test',
            port: 25,
            pool: true,
            maxConnections: 2,
            requireTLS: true,
            tls: { ca: cert }
          })
          later(() => transport.close())
          const send = (subject) =>
            transport.sendMail({ from: 'a@server.test', to: 'b@server.test', subject, text: place.id })
          for (const round of ['first', 'second']) {
            const server = await serve(place.id)
            const subjects = [1, 2, 3, 4].map((n) => `${round} ${n}`)
            await Promise.all(subjects.map(send))
            assert.equal(server.letters.length, 4)
            for (const { text, secure } of server.letters) {
              assert.ok(secure)
              assert.ok(text.includes(place.id) && text.includes(round))
            }
            await server.stop()
          }
        })
      )
    )
  }
}
