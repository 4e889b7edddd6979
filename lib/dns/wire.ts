/** Messages of RFC 1035: dns-packet writes and reads them, this module makes sure that it can. */
import { codec } from './lazy.ts'
import { readName } from './names.ts'

/** The types that Node asks for, by their number. */
export const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  TLSA: 52,
  ANY: 255,
  CAA: 257
} as const

/** A record type that Node asks for. */
export type RecordType = keyof typeof TYPES

const TYPE_NAMES: ReadonlyMap<number, RecordType> = new Map(
  Object.entries(TYPES).map(([name, value]) => [value, name as RecordType])
)

/** A question as it goes out, but for its id. */
export interface Question {
  readonly packet: Buffer
  /** Where the question section ends. */
  readonly end: number
  /** The same without what RFC 6891 adds, for servers that do not know that. */
  readonly plain?: Question
}

/** What may be asked of a server besides. */
export interface QuestionOptions {
  /** RFC 6891: larger answers by UDP. */
  readonly edns0?: boolean
  /** RFC 6840: says whether the answer was proved. */
  readonly trustAd?: boolean
}

/** A record of an answer. */
export interface Answer {
  /** Undefined for a type that Node does not know. */
  readonly type: RecordType | undefined
  readonly ttl: number
  readonly data: unknown
}

/** What a server said. */
export interface Reply {
  readonly rcode: number
  readonly truncated: boolean
  /** Whether it neither answers nor says that there is nothing: the server does not ask others, and others know. */
  readonly referral: boolean
  readonly answers: readonly Answer[]
}

/** What can be made of a packet: an answer, one that is broken, or nothing that belongs to the question. */
export type Verdict = Reply | 'malformed' | 'foreign'

/** RFC 1035 §4.1.1. */
export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5
} as const

const HEADER = 12
const CLASS_IN = 1
/** A pointer to the name that follows the header. */
const TO_QUESTION = 0xc000 | HEADER
/** Type, class, TTL and length of a record. */
const FIXED = 10
const AUTHORITATIVE = 1 << 10
const TRUNCATED = 1 << 9
const RECURSION_DESIRED = 1 << 8
const RECURSION_AVAILABLE = 1 << 7
const AUTHENTIC_DATA = 1 << 5
const RCODES = 0xf
/** Fits into every path's MTU (DNS flag day 2020). */
const PAYLOAD = 1232

/** Questions that were written lately, by type and options, then by name: programs ask the same few again and again. */
const written = new Map<number, Map<string, Question>>()
const MOST_WRITTEN = 256

/** Writes a question. `name` is what {@link toQuestion} returned, so that dns-packet cannot write it wrong. */
export function ask(name: string, type: RecordType, options: QuestionOptions = {}): Question {
  const kind = TYPES[type] * 4 + (options.edns0 === true ? 2 : 0) + (options.trustAd === true ? 1 : 0)
  let alike = written.get(kind)
  if (alike === undefined) {
    alike = new Map()
    written.set(kind, alike)
  }
  let question = alike.get(name)
  if (question === undefined) {
    if (alike.size >= MOST_WRITTEN) alike.clear()
    question = write(name, type, options)
    alike.set(name, question)
  }
  return question
}

function write(name: string, type: RecordType, options: QuestionOptions): Question {
  const packet = codec().encode({
    id: 0,
    type: 'query',
    flags: RECURSION_DESIRED | (options.trustAd ? AUTHENTIC_DATA : 0),
    questions: [{ name, type, class: 'IN' }],
    additionals: options.edns0 ? [{ type: 'OPT', name: '.', udpPayloadSize: PAYLOAD }] : []
  })
  // The root is one octet; any other name has a length before each label and the root after the last.
  const octets = name === '' ? 1 : name.length + 2
  const end = HEADER + octets + 4
  return options.edns0 ? { packet, end, plain: write(name, type, { ...options, edns0: false }) } : { packet, end }
}

/** The question with an id. */
export function withId(question: Question, id: number): Buffer {
  const packet = Buffer.from(question.packet)
  packet.writeUInt16BE(id)
  return packet
}

/**
 * Reads an answer to a question that was sent with `id`. No packet makes it throw.
 *
 * @param whole - whether all of it is there, whatever it says
 */
export function read(packet: Buffer, question: Question, id: number, whole = false): Verdict {
  if (!belongs(packet, question, id)) return 'foreign'
  const flags = packet.readUInt16BE(2)
  const rcode = flags & RCODES
  const truncated = (flags & TRUNCATED) !== 0
  // What was cut off is asked again by TCP, and need not be whole.
  if (truncated && !whole) return { rcode, truncated, referral: false, answers: [] }
  try {
    const answers = readAnswers(packet, question.end, packet.readUInt16BE(6))
    const knows = answers.length > 0 || (flags & (AUTHORITATIVE | RECURSION_AVAILABLE)) !== 0
    // What glibc takes for one, which is one without addresses of those that it refers to.
    const referral = rcode === RCODE.noError && !knows && packet.readUInt16BE(10) === 0
    return { rcode, truncated, referral, answers }
  } catch {
    return 'malformed'
  }
}

function belongs(packet: Buffer, question: Question, id: number): boolean {
  if (packet.length < question.end || packet.readUInt16BE(0) !== id) return false
  const isResponse = (packet.readUInt8(2) & 0xf8) === 0x80
  if (!isResponse || packet.readUInt16BE(4) !== 1) return false
  for (let at = HEADER; at < question.end; at += 1) {
    const octet = packet[at] as number
    const asked = question.packet[at] as number
    if (octet !== asked && folded(octet) !== folded(asked)) return false
  }
  return true
}

/** Servers may answer in another case. */
function folded(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet
}

function readAnswers(packet: Buffer, start: number, count: number): Answer[] {
  const answers: Answer[] = []
  let offset = start
  for (let index = 0; index < count; index += 1) {
    // Most records name what was asked by pointing at it, and that it is what was asked is known.
    const isPointer = offset + 2 <= packet.length && packet.readUInt16BE(offset) === TO_QUESTION
    const fixed = isPointer ? offset + 2 : readName(packet, offset).end
    const type = TYPE_NAMES.get(packet.readUInt16BE(fixed))
    const isInternet = packet.readUInt16BE(fixed + 2) === CLASS_IN
    const ttl = packet.readUInt32BE(fixed + 4)
    offset = fixed + FIXED + packet.readUInt16BE(fixed + 8)
    if (offset > packet.length) throw new RangeError('a record that is cut off')
    if (type === undefined || !isInternet) answers.push({ type: undefined, ttl, data: undefined })
    else {
      const record = offset === packet.length ? packet : packet.subarray(0, offset)
      answers.push({ type, ttl, data: readData(type, record, fixed + 8) })
    }
  }
  return answers
}

/** Reads a record's data, which ends where `packet` does and begins after the length at `at`. */
function readData(type: RecordType, packet: Buffer, at: number): unknown {
  const start = at + 2
  switch (type) {
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return lastName(packet, start)
    case 'MX':
      return { ...decoded(type, packet, at, start + 2), exchange: lastName(packet, start + 2) }
    case 'SRV':
      return { ...decoded(type, packet, at, start + 6), target: lastName(packet, start + 6) }
    case 'SOA': {
      const mname = readName(packet, start)
      const rname = readName(packet, mname.end)
      return { ...decoded(type, packet, at, start, mname.end), mname: mname.name, rname: rname.name }
    }
    case 'NAPTR': {
      const replacement = stringsEnd(packet, start + 4, 3)
      return { ...decoded(type, packet, at, replacement), replacement: lastName(packet, replacement) }
    }
    case 'CAA': {
      // dns-packet trusts the length of the tag, and takes octets for UTF-8, which need not be any.
      const value = stringsEnd(packet, start + 1, 1)
      return { ...decoded(type, packet, at), value: packet.toString('latin1', value) }
    }
    case 'ANY':
      throw new RangeError('a record of a type that only questions have')
    default:
      return decoded(type, packet, at)
  }
}

/**
 * What dns-packet reads. It follows the pointers of a name as long as they lead back and trusts lengths within the data,
 * so the names (at `names`) are walked with a bound first, and it has to end exactly where the record does.
 */
function decoded(type: RecordType, packet: Buffer, at: number, ...names: number[]): object {
  for (const name of names) readName(packet, name)
  const { decode } = codec().record(type)
  const data = decode(packet, at)
  if (at + decode.bytes !== packet.length) throw new RangeError('a record of another length than it says')
  return data as object
}

function lastName(packet: Buffer, at: number): string {
  const { name, end } = readName(packet, at)
  if (end !== packet.length) throw new RangeError('a record that goes on after its name')
  return name
}

function stringsEnd(packet: Buffer, start: number, count: number): number {
  let offset = start
  for (let index = 0; index < count; index += 1) offset += 1 + packet.readUInt8(offset)
  if (offset > packet.length) throw new RangeError('a string that is cut off')
  return offset
}
