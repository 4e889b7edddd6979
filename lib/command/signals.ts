/** Signals by name and number. */
import { constants } from 'node:os'
import { invalidType, invalidValue } from '../errors.ts'
import { unknownSignal } from './errors.ts'

const numbers = new Map<string, number>(Object.entries(constants.signals))
const names = new Map<number, NodeJS.Signals>()
// Of aliases (SIGIOT, SIGPOLL) the first name is the usual one.
for (const [name, number] of numbers) if (!names.has(number)) names.set(number, name as NodeJS.Signals)

/** The largest signal of Linux. */
const LARGEST = 64

/** The name of a signal; of the nameless real-time ones, `SIGRTMIN+n` as `kill -l` writes them. */
export function signalName(number: number): NodeJS.Signals {
  return names.get(number) ?? (`SIGRTMIN+${number - 34}` as NodeJS.Signals)
}

/** The number of a signal given to `kill`; 0 only asks. */
export function signalNumber(signal: unknown): number {
  const number = find(signal)
  if (number === undefined) throw unknownSignal(signal)
  return number
}

/** The number of a signal given as an option. */
export function validateKillSignal(signal: unknown): number {
  if (signal === undefined) return constants.signals.SIGTERM
  if (typeof signal !== 'string' && typeof signal !== 'number') {
    throw invalidType('options.killSignal', 'of type string or number', signal)
  }
  const number = find(signal)
  if (number === undefined || number === 0) throw invalidValue('options.killSignal', signal, 'it is no signal')
  return number
}

function find(signal: unknown): number | undefined {
  if (signal === undefined || signal === null) return constants.signals.SIGTERM
  if (typeof signal === 'string') return numbers.get(signal.toUpperCase())
  const valid = typeof signal === 'number' && Number.isInteger(signal) && signal >= 0 && signal <= LARGEST
  return valid ? signal : undefined
}
