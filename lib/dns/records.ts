/** Answers in the shapes that Node gives them, per method of its resolver's handle. */
import { node } from './node.ts'
import { canonical } from './server.ts'
import { type Answer, RCODE, type RecordType, type Reply } from './wire.ts'

/** What a method of the handle completes with. */
export interface Result {
  readonly value: unknown
  /** Of addresses, for `{ ttl: true }`. */
  readonly ttls?: readonly number[]
}

/** A method of the handle: what it asks, and what it makes of the answer; a string is an error code. */
export interface Binding {
  readonly type: RecordType
  readonly shape: (answers: readonly Answer[], name: string) => Result | string
}

/** Node 24 and newer name the type in the results of `resolveMx`, `resolveSrv`, `resolveCaa` and `resolveSoa` too. */
const NAMES_TYPES = Number.parseInt(process.versions.node, 10) >= 24

/** Node 22 and newer know TLSA. */
const knowsTlsa = () => 'resolveTlsa' in node().Resolver.prototype

/** RFC 2136's last. */
const LAST_RCODE = 10

/** The error code of an answer that says so. c-ares judges codes that it does not know by what came with them. */
export function failureOf(reply: Reply): string | undefined {
  switch (reply.rcode) {
    case RCODE.formatError:
      return 'EFORMERR'
    case RCODE.serverFailure:
      return 'ESERVFAIL'
    case RCODE.nameError:
      return 'ENOTFOUND'
    case RCODE.notImplemented:
      return 'ENOTIMP'
    case RCODE.refused:
      return 'EREFUSED'
    default:
      // Codes from 11 on have no meaning in a header, and c-ares takes the server for broken.
      if (reply.rcode > LAST_RCODE) return 'ESERVFAIL'
      return reply.rcode === RCODE.noError && reply.answers.length === 0 ? 'ENODATA' : undefined
  }
}

/** Every method of Node's handle that asks one question, by its name. */
export const BINDINGS: Readonly<Record<string, Binding>> = {
  queryA: { type: 'A', shape: (answers) => addresses('A', answers) },
  queryAaaa: { type: 'AAAA', shape: (answers) => addresses('AAAA', answers) },
  queryAny: { type: 'ANY', shape: any },
  queryCaa: { type: 'CAA', shape: (answers) => list('CAA', answers, caa) },
  queryCname: { type: 'CNAME', shape: canonicalName },
  queryMx: { type: 'MX', shape: (answers) => list('MX', answers, mx) },
  queryNaptr: { type: 'NAPTR', shape: (answers) => list('NAPTR', answers, naptr) },
  queryNs: { type: 'NS', shape: (answers) => some(texts('NS', answers)) },
  queryPtr: { type: 'PTR', shape: (answers) => some(texts('PTR', answers)) },
  querySoa: { type: 'SOA', shape: start },
  querySrv: { type: 'SRV', shape: (answers) => list('SRV', answers, srv) },
  queryTlsa: { type: 'TLSA', shape: (answers) => ({ value: certificates(answers) }) },
  queryTxt: { type: 'TXT', shape: (answers) => list('TXT', answers, txt) }
}

/** The names of a PTR answer. */
export function pointers(answers: readonly Answer[]): readonly string[] {
  return texts('PTR', answers)
}

/** The addresses of an answer. Aliases before them bound how long they hold, as in c-ares. */
export function addressesOf(type: 'A' | 'AAAA', answers: readonly Answer[]): { address: string; ttl: number }[] {
  const { value, ttls } = listed(type, answers)
  return value.map((address, index) => ({ address, ttl: ttls[index] as number }))
}

function addresses(type: 'A' | 'AAAA', answers: readonly Answer[]): Result | string {
  const found = listed(type, answers)
  return found.value.length === 0 && of('CNAME', answers).length === 0 ? 'ENODATA' : found
}

/** In one pass, as most questions are for addresses. */
function listed(type: 'A' | 'AAAA', answers: readonly Answer[]): { value: string[]; ttls: number[] } {
  const value: string[] = []
  const ttls: number[] = []
  let longest = Number.POSITIVE_INFINITY
  for (const answer of answers) {
    if (answer.type === 'CNAME') longest = Math.min(longest, answer.ttl)
    if (answer.type !== type) continue
    value.push(type === 'A' ? (answer.data as string) : canonical(answer.data as string))
    ttls.push(answer.ttl)
  }
  return { value, ttls: ttls.map((ttl) => Math.min(ttl, longest)) }
}

function of(type: RecordType, answers: readonly Answer[]): readonly Answer[] {
  return answers.filter((answer) => answer.type === type)
}

function texts(type: RecordType, answers: readonly Answer[]): string[] {
  return of(type, answers).map(({ data }) => data as string)
}

function some(values: readonly string[]): Result | string {
  return values.length === 0 ? 'ENODATA' : { value: values }
}

/** Of a chain of aliases, c-ares gives the first; a name that has addresses instead is its own. */
function canonicalName(answers: readonly Answer[], name: string): Result | string {
  const own = of('A', answers).length > 0 ? [name] : []
  return some([...texts('CNAME', answers), ...own].slice(0, 1))
}

function list(type: RecordType, answers: readonly Answer[], shape: (data: never) => unknown): Result | string {
  if (answers.length === 0) return 'ENODATA'
  const value = of(type, answers).map(({ data }) => {
    const shaped = shape(data as never)
    return NAMES_TYPES && (type === 'MX' || type === 'SRV') ? { ...(shaped as object), type } : shaped
  })
  return { value }
}

function mx(data: { preference: number; exchange: string }): object {
  return { exchange: data.exchange, priority: data.preference }
}

function srv(data: { target: string; port: number; priority: number; weight: number }): object {
  return { name: data.target, port: data.port, priority: data.priority, weight: data.weight }
}

function naptr(data: {
  flags: string
  services: string
  regexp: string
  replacement: string
  order: number
  preference: number
}): object {
  return {
    flags: data.flags,
    service: data.services,
    regexp: data.regexp,
    replacement: data.replacement,
    order: data.order,
    preference: data.preference
  }
}

function caa(data: { flags: number; tag: string; value: string }): object {
  return { critical: data.flags, ...(NAMES_TYPES ? { type: 'CAA' } : {}), [data.tag]: data.value }
}

function tlsa(data: { usage: number; selector: number; matchingType: number; certificate: Buffer }): object {
  const bytes = new Uint8Array(data.certificate)
  return { certUsage: data.usage, selector: data.selector, match: data.matchingType, data: bytes.buffer }
}

function certificates(answers: readonly Answer[]): readonly object[] {
  return of('TLSA', answers).map(({ data }) => tlsa(data as never))
}

/** Node decodes the strings octet by octet. */
function txt(data: readonly Buffer[]): readonly string[] {
  return data.map((chunk) => chunk.toString('latin1'))
}

interface Soa {
  mname: string
  rname: string
  serial: number
  refresh: number
  retry: number
  expire: number
  minimum: number
}

function soa(data: Soa): object {
  return {
    nsname: data.mname,
    hostmaster: data.rname,
    serial: data.serial,
    refresh: data.refresh,
    retry: data.retry,
    expire: data.expire,
    minttl: data.minimum
  }
}

function start(answers: readonly Answer[]): Result | string {
  const [first] = of('SOA', answers)
  if (first === undefined) return 'EBADRESP'
  return { value: { ...soa(first.data as Soa), ...(NAMES_TYPES ? { type: undefined } : {}) } }
}

/** Node lists what it was given type by type, in this order. */
function any(answers: readonly Answer[]): Result {
  const named = (type: RecordType, shape: (data: never) => object) =>
    of(type, answers).map(({ data }) => ({ ...shape(data as never), type }))
  const value = (data: string) => ({ value: data })
  const aliases = texts('CNAME', answers).slice(0, 1)
  return {
    value: [
      ...(aliases.length > 0
        ? aliases.map((alias) => ({ value: alias, type: 'CNAME' }))
        : addressesOf('A', answers).map((one) => ({ ...one, type: 'A' }))),
      ...addressesOf('AAAA', answers).map((one) => ({ ...one, type: 'AAAA' })),
      ...named('MX', mx),
      ...named('NS', value),
      ...of('TXT', answers).map(({ data }) => ({ entries: txt(data as never), type: 'TXT' })),
      ...named('SRV', srv),
      ...named('PTR', value),
      ...named('NAPTR', naptr),
      ...of('SOA', answers)
        .slice(0, 1)
        .map(({ data }) => ({ ...soa(data as Soa), type: 'SOA' })),
      ...named('CAA', caa),
      // These alone Node leaves without their type.
      ...(knowsTlsa() ? certificates(answers) : [])
    ]
  }
}
