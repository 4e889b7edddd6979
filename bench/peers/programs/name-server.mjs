/** Answers every question with 10.1.2.3 until its input ends. */
import dgram from 'node:dgram'

/** The question's name, A, IN, 60 s, four octets. */
const record = Buffer.from('c00c000100010000003c00040a010203', 'hex')

const server = dgram.createSocket('udp4', (query, from) => {
  query.writeUInt16BE(0x8180, 2)
  query.writeUInt16BE(1, 6)
  server.send([query, record], from.port, from.address)
})
server.bind(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => server.close()).resume()
