/** What getaddrinfo(3) does for `builtin('dns').lookup`: hosts file, search list, both families at once, RFC 6724's order. */
import { builtin } from '../builtin.ts'
import { sorted } from './destinations.ts'
import { EAI } from './errors.ts'
import type { HostAddress } from './hosts.ts'
import { toQuestion } from './names.ts'
import { numericAddress } from './numeric.ts'
import { type Plan, Query } from './query.ts'
import { addressesOf, failureOf } from './records.ts'
import type { ResolvConf } from './resolv-conf.ts'
import type { Settings } from './settings.ts'
import type { Datagrams } from './udp.ts'
import { type Answer, ask } from './wire.ts'

/** What is looked up. */
export interface Wanted {
  readonly name: string
  readonly family: 0 | 4 | 6
  readonly hints: number
}

/** A number is one of {@link EAI}, a string a code of ours. */
export type Failure = number | string

/** What a look-up comes to. */
export type Found = Failure | readonly HostAddress[]

/** glibc's, where resolv.conf does not say. */
const TIMEOUT = 5000
const ATTEMPTS = 2
/** RFC 1034 asks to bound chains of aliases; no honest one is as long. */
const MOST_ALIASES = 8

/** Looks a name up. */
export async function getaddrinfo(settings: Settings, datagrams: Datagrams, wanted: Wanted): Promise<Found> {
  const families = familiesOf(wanted)
  if (families.length === 0) return EAI.NONAME
  const mapped = (wanted.hints & builtin('dns').V4MAPPED) !== 0 && wanted.family === 6
  const asked = mapped ? ([4, 6] as const) : families
  const found = await new LookUp(settings, datagrams, asked).find(wanted.name)
  if (isFailure(found)) return found
  const chosen = mapped ? map(found, (wanted.hints & builtin('dns').ALL) !== 0) : found
  return chosen.length > 1 ? sorted(chosen) : chosen
}

/** Which families to ask for: with ADDRCONFIG none that no interface but the loopback one has, as in glibc. */
function familiesOf({ family, hints }: Wanted): readonly (4 | 6)[] {
  const wanted: readonly (4 | 6)[] = family === 0 ? [4, 6] : [family]
  if ((hints & builtin('dns').ADDRCONFIG) === 0) return wanted
  const here = Object.values(builtin('os').networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const usable = wanted.filter((one) => here.some((each) => !each.internal && each.family === `IPv${one}`))
  return family === 0 && usable.length === 0 ? wanted : usable
}

function map(found: readonly HostAddress[], all: boolean): readonly HostAddress[] {
  const native = found.filter(({ family }) => family === 6)
  if (native.length > 0 && !all) return native
  const mapped = found.filter(({ family }) => family === 4)
  return [...native, ...mapped.map(({ address }) => ({ address: `::ffff:${address}`, family: 6 as const }))]
}

class LookUp {
  readonly #settings: Settings
  readonly #datagrams: Datagrams
  readonly #families: readonly (4 | 6)[]
  readonly #conf: ResolvConf
  readonly #plan: Plan
  /** Whether servers were silent, or would not tell. */
  #unanswered = false

  constructor(settings: Settings, datagrams: Datagrams, families: readonly (4 | 6)[]) {
    this.#settings = settings
    this.#datagrams = datagrams
    this.#families = families
    const conf = settings.resolvConf()
    this.#conf = conf
    this.#plan = {
      servers: conf.rotate ? rotated(conf.servers) : conf.servers,
      timeout: conf.timeout ?? TIMEOUT,
      tries: conf.attempts ?? ATTEMPTS,
      backoff: false,
      maxTimeout: 0,
      skipsReferrals: true,
      tcp: conf.useVc,
      local: NOWHERE,
      network: settings.network()
    }
  }

  async find(name: string): Promise<Found> {
    const numeric = numericAddress(name)
    if (numeric !== undefined) return this.#keep([{ address: numeric, family: 4 }], EAI.ADDRFAMILY)
    const question = toQuestion(name)
    if (question === undefined || question === '') return EAI.NONAME
    const known = this.#keep(this.#settings.hosts().addresses(question), EAI.NONAME)
    if (!isFailure(known)) return known
    // RFC 6761 §6.3: never asked of a server.
    if (/(?:^|\.)localhost$/i.test(question)) return this.#keep(LOOPBACK, EAI.NONAME)
    if (/(?:^|\.)onion$/i.test(question)) return EAI.NONAME
    return this.#search(question, name.endsWith('.'))
  }

  #keep(addresses: readonly HostAddress[], otherwise: number): Found {
    const kept = addresses.filter(({ family }) => this.#families.includes(family))
    return kept.length > 0 ? kept : otherwise
  }

  async #search(name: string, absolute: boolean): Promise<Found> {
    let first: Failure | undefined
    let stuck = false
    for (const candidate of candidates(name, absolute, this.#conf)) {
      // As in glibc: servers that do not answer for a domain of the list are asked for none of the others.
      if (stuck && candidate !== name) continue
      const found = await this.#ask(candidate, 0)
      stuck ||= this.#unanswered && candidate !== name
      if (!isFailure(found)) return found
      // Servers that cannot be had, or may not be used, are no reason to ask them for more.
      if (typeof found === 'string') return found
      // That a server failed, or that the name exists without an address, says more than that it does not exist.
      if (first === undefined || first === EAI.NONAME || found === EAI.AGAIN) first = found
    }
    return first ?? EAI.NONAME
  }

  async #ask(name: string, aliases: number): Promise<Found> {
    const types = this.#families.filter((family) => family === 4 || !this.#conf.noAaaa)
    if (types.length === 0) return EAI.NODATA
    const one = (family: 4 | 6) => this.#askOne(name, family, aliases)
    const found = this.#conf.singleRequest ? await inTurn(types, one) : await Promise.all(types.map(one))
    const addresses = found.flatMap((each) => (isFailure(each) ? [] : each))
    if (addresses.length > 0) return addresses
    const failures = found.filter(isFailure)
    return (
      failures.find((failure) => typeof failure === 'string') ??
      failures.find((failure) => failure === EAI.AGAIN) ??
      (failures.includes(EAI.NODATA) ? EAI.NODATA : EAI.NONAME)
    )
  }

  async #askOne(name: string, family: 4 | 6, aliases: number): Promise<Found> {
    const type = family === 4 ? 'A' : 'AAAA'
    const answers = await this.#query(name, type)
    if (isFailure(answers)) return answers
    const addresses = addressesOf(type, answers)
    if (addresses.length > 0) return addresses.map(({ address }) => ({ address, family }))
    const alias = lastAlias(answers)
    if (alias === undefined) return EAI.NODATA
    // A server that does not resolve aliases itself leaves them to us.
    return aliases < MOST_ALIASES ? this.#askOne(alias, family, aliases + 1) : EAI.NODATA
  }

  async #query(name: string, type: 'A' | 'AAAA'): Promise<Failure | readonly Answer[]> {
    const { gate } = this.#settings
    const turn = gate.enter()
    if (turn !== undefined) await turn
    try {
      return await this.#answer(name, type)
    } finally {
      gate.leave()
    }
  }

  #answer(name: string, type: 'A' | 'AAAA'): Promise<Failure | readonly Answer[]> {
    return new Promise((resolve) => {
      new Query(this.#plan, ask(name, type, this.#conf), this.#datagrams, (code, reply) => {
        const failure = code ?? (reply === undefined ? 'EBADRESP' : failureOf(reply))
        const eai = failure === undefined ? undefined : asEai(failure)
        if (eai === EAI.AGAIN && failure !== 'ESERVFAIL') this.#unanswered = true
        resolve(eai ?? reply?.answers ?? [])
      })
    })
  }
}

const NOWHERE = {}
const LOOPBACK: readonly HostAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 }
]

let turn = 0

function rotated<T>(servers: readonly T[]): readonly T[] {
  turn = (turn + 1) % servers.length
  return [...servers.slice(turn), ...servers.slice(0, turn)]
}

/** In the order of resolver(5): names with enough dots first as they are, the others last. */
export function candidates(name: string, absolute: boolean, conf: Pick<ResolvConf, 'search' | 'ndots'>): string[] {
  if (absolute) return [name]
  const searched = conf.search.flatMap((domain) => toQuestion(domain === '' ? name : `${name}.${domain}`) ?? [])
  const dots = name.split('.').length - 1
  return [...new Set(dots >= conf.ndots ? [name, ...searched] : [...searched, name])]
}

async function inTurn<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await act(item))
  return results
}

function lastAlias(answers: readonly Answer[]): string | undefined {
  const alias = answers.filter(({ type }) => type === 'CNAME').at(-1)?.data
  return typeof alias === 'string' ? toQuestion(alias) || undefined : undefined
}

function asEai(code: string): Failure {
  if (code.startsWith('ERR_')) return code
  if (code === 'ENOTFOUND') return EAI.NONAME
  return code === 'ENODATA' ? EAI.NODATA : EAI.AGAIN
}

function isFailure(found: Failure | readonly unknown[]): found is Failure {
  return typeof found === 'number' || typeof found === 'string'
}
