/** Addresses in the forms that inet_aton(3) takes, as getaddrinfo does: `127.1`, `0x7f000001`, `017700000001`. */

/** The dotted form, or undefined for what is a name. */
export function numericAddress(name: string): string | undefined {
  const parts = name.split('.')
  if (parts.length > 4) return undefined
  const numbers = parts.map(toNumber)
  const last = numbers.pop()
  // The last number fills what the others leave.
  const room = 4 - numbers.length
  if (last === undefined || Number.isNaN(last) || last >= 256 ** room) return undefined
  if (numbers.some((number) => !(number < 256))) return undefined
  const rest = Array.from({ length: room }, (_, index) => Math.floor(last / 256 ** (room - 1 - index)) % 256)
  return [...numbers, ...rest].join('.')
}

function toNumber(part: string): number {
  if (/^0[xX][\da-fA-F]{1,8}$/.test(part)) return Number.parseInt(part, 16)
  if (/^0[0-7]{0,11}$/.test(part)) return Number.parseInt(part, 8)
  return /^[1-9]\d{0,9}$/.test(part) ? Number(part) : Number.NaN
}
