/** What some answers to one question say, and how firmly. */

/** A median, and between which values it is, 95 times of 100, that of ever so many answers. */
export interface Estimate {
  median: number
  low: number
  high: number
}

/**
 * By order alone, whatever the answers are distributed like: of n independent ones so many are above the true median as
 * a coin falls heads in n throws. With fewer than six not even the least and the greatest are that far apart; they are
 * told then.
 */
export function estimate(answers: number[]): Estimate {
  const sorted = answers.toSorted((a, b) => a - b)
  const count = sorted.length
  // How many of either end may be left out: as many as it happens to be fewer than 5 times of 100.
  let outer = 0
  // A chance in thousands is too small for a number, its logarithm is not.
  let chance = -count
  let missed = 2 * 2 ** chance
  for (let heads = 1; missed < 0.05; heads++) {
    outer = heads - 1
    chance += Math.log2((count - heads + 1) / heads)
    missed += 2 * 2 ** chance
  }
  return {
    median: quantile(sorted, 0.5),
    low: sorted[outer] as number,
    high: sorted[count - 1 - outer] as number
  }
}

/** The value that a share `q` of all is below; of the two in the middle, their mean. */
export function quantile(values: number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = q * (sorted.length - 1)
  const [below, above] = [sorted[Math.floor(place)] as number, sorted[Math.ceil(place)] as number]
  return below + (above - below) * (place - Math.floor(place))
}
