/**
 * `dns.resolve4` from a local server: this library's against c-ares, questions in flight 1, 10 and 100.
 * Both take turns, and the ratio is that of the medians, as single rounds on a busy machine say little.
 */
import { spawn } from 'node:child_process'
import nodeDns from 'node:dns'
import { once } from 'node:events'
import { createDns } from '../lib/dns/dns.ts'
import { etcSource } from '../lib/dns/source.ts'

/** Answers each question with one address, in a process of its own. */
const SERVER = `
  const socket = require('node:dgram').createSocket('udp4')
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 1, 2, 3])
  socket.on('message', (query, from) => {
    query[2] = 0x81
    query[3] = 0x80
    query[7] = 1
    socket.send([query, answer], from.port, from.address)
  })
  socket.bind(0, '127.0.0.1', () => console.log(socket.address().port))
`
const ROUNDS = 9
const QUESTIONS = 3000

type Ask = () => Promise<unknown>

async function rate(ask: Ask, inFlight: number): Promise<number> {
  let left = QUESTIONS
  const before = process.hrtime.bigint()
  const worker = async (): Promise<void> => {
    while (left-- > 0) await ask()
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return QUESTIONS / (Number(process.hrtime.bigint() - before) / 1e9)
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}

function asker(dns: typeof nodeDns, port: string): Ask {
  const resolver = new dns.promises.Resolver()
  resolver.setServers([`127.0.0.1:${port}`])
  return () => resolver.resolve4('bench.example.com')
}

const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = await once(server.stdout, 'data')
const port = String(line).trim()
const theirs = asker(nodeDns, port)
const ours = asker(createDns(etcSource(undefined, () => 'here')), port)
for (const inFlight of [1, 10, 100]) {
  const rates: { theirs: number[]; ours: number[] } = { theirs: [], ours: [] }
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.theirs.push(await rate(theirs, inFlight))
    rates.ours.push(await rate(ours, inFlight))
  }
  const [a, b] = [median(rates.ours), median(rates.theirs)]
  console.log(
    `dns.resolve4, ${inFlight} in flight: ${a.toFixed(0)}/s, c-ares ${b.toFixed(0)}/s, ratio ${(a / b).toFixed(2)}`
  )
}
server.kill()
