/** resolv.conf(5). */
import { builtin } from '../builtin.ts'
import { DNS_PORT, key, type Server, serverAt } from './server.ts'

/** What a resolv.conf says. */
export interface ResolvConf {
  readonly servers: readonly Server[]
  readonly search: readonly string[]
  readonly ndots: number
  /** Milliseconds for the first try; undefined if the file does not say. */
  readonly timeout: number | undefined
  /** Tries per server; undefined if the file does not say. */
  readonly attempts: number | undefined
  readonly rotate: boolean
  readonly useVc: boolean
  readonly edns0: boolean
  readonly singleRequest: boolean
  readonly noAaaa: boolean
  readonly trustAd: boolean
}

/** More than any resolver would ask: each server is worth a full timeout. */
const MOST_SERVERS = 16
const MOST_DOMAINS = 64
// The caps of resolv.conf(5).
const MOST_DOTS = 15
const LONGEST_TIMEOUT = 30
const MOST_ATTEMPTS = 5

/** Parses a resolv.conf; what it does not understand is skipped, as every resolver does. */
export function parseResolvConf(text: string, port = DNS_PORT): ResolvConf {
  const servers = new Map<string, Server>()
  let search: readonly string[] | undefined
  const options = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line.trim().split(/\s+/)
    if (keyword === 'nameserver') addServer(servers, words[0], port)
    // Of `domain` and `search` the last one counts.
    else if (keyword === 'domain' && words[0] !== undefined) search = [words[0]]
    else if (keyword === 'search') search = words.slice(0, MOST_DOMAINS)
    else if (keyword === 'options') for (const option of words) setOption(options, option)
  }
  if (servers.size === 0) addServer(servers, '127.0.0.1', port)
  const seconds = number(options, 'timeout', LONGEST_TIMEOUT)
  return {
    servers: [...servers.values()],
    search: (search ?? ownDomain()).map((domain) => domain.replace(/\.$/, '')),
    ndots: number(options, 'ndots', MOST_DOTS) ?? 1,
    timeout: seconds === undefined ? undefined : Math.max(seconds, 1) * 1000,
    attempts: number(options, 'attempts', MOST_ATTEMPTS),
    rotate: options.has('rotate'),
    useVc: options.has('use-vc'),
    edns0: options.has('edns0'),
    singleRequest: options.has('single-request') || options.has('single-request-reopen'),
    noAaaa: options.has('no-aaaa'),
    trustAd: options.has('trust-ad')
  }
}

function addServer(servers: Map<string, Server>, word: string | undefined, port: number): void {
  if (word === undefined || servers.size >= MOST_SERVERS) return
  const bracketed = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(word)
  const server = serverAt(bracketed?.[1] ?? word, Number(bracketed?.[2] ?? port))
  if (server !== undefined && server.port > 0 && server.port < 65536) servers.set(key(server), server)
}

function setOption(options: Map<string, string>, option: string): void {
  const [name = '', value = ''] = option.split(':', 2)
  options.set(name, value)
}

function number(options: ReadonlyMap<string, string>, name: string, most: number): number | undefined {
  const value = options.get(name)
  return value !== undefined && /^\d{1,9}$/.test(value) ? Math.min(Number(value), most) : undefined
}

/** The default search list: what follows the first dot of the host's own name. */
function ownDomain(): readonly string[] {
  const [, ...domain] = builtin('os').hostname().split('.')
  return domain.length === 0 ? [] : [domain.join('.')]
}
