import { expect, test } from 'vitest'
import { Known } from '../../lib/config/known.ts'

const encoder = new TextEncoder()

/** A generator of our own: the same numbers at every run. */
function* numbers(): Generator<number, never, void> {
  for (let state = 88_172_645; ; ) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    yield state >>> 0
  }
}

test('what is known is what a map would hold, whatever is added, changed, looked for and taken out', () => {
  const known = new Known()
  const model = new Map<string, string>()
  const random = numbers()
  for (let step = 0; step < 60_000; step++) {
    const number = random.next().value
    // Grows, then shrinks; keys of all lengths, also of none.
    const text = 'k'.repeat(number % 7) + ((number >>> 8) % 3000)
    const key = encoder.encode(text)
    const at = known.find(key, key.length)
    const held = model.get(text)
    // An `expect` of each step would take longer than all else.
    if ((at !== 0) !== (held !== undefined)) expect.unreachable(`${text} is ${at === 0 ? 'not ' : ''}found`)
    if (held !== undefined) {
      const bytes = encoder.encode(`<${held}>`)
      if (!known.equals(at, bytes, 1, bytes.length - 1)) expect.unreachable(`${text} is not ${held}`)
      if (known.equals(at, bytes, 0, bytes.length - 1)) expect.unreachable(`${text} is <${held}`)
    }
    if (step % 60_000 > 40_000 || number % 3 === 0) {
      if (known.delete(key, key.length) !== model.delete(text)) expect.unreachable(`${text} was taken out wrongly`)
    } else {
      // Some are longer than what others lie in together.
      const value = `${step}`.repeat(step % 997 === 0 ? 5000 : number % 20)
      known.set(key, key.length, encoder.encode(`..${value}`), 2, 2 + value.length)
      model.set(text, value)
    }
  }
  known.beginRound()
  const [seen, ...gone] = [...model]
  const key = encoder.encode(seen?.[0])
  known.see(known.find(key, key.length))
  const swept = [...known.sweep()].flatMap((reader) => (reader ? [Buffer.from(reader.bytes).toString()] : []))
  expect(swept.sort()).toEqual(gone.map(([, value]) => value).sort())
  expect(known.find(key, key.length)).not.toBe(0)
  expect([...known.sweep()].filter(Boolean)).toEqual([])
})
