import fc from 'fast-check'
import { NetNs, probe } from 'node-netns'
import { expect, test } from 'vitest'
import { anyText } from './any-text.ts'
import { codeOf, directory, here, strays } from './helpers.ts'

const home = here()
const where = directory()

/** Anything but values of one type. */
const notA = (type: string) => fc.anything().filter((value) => typeof value !== type)
const notAnObject = fc
  .anything()
  .filter((value) => value !== undefined && (typeof value !== 'object' || value === null || Array.isArray(value)))
const ARGUMENT = /^ERR_(INVALID_ARG_TYPE|INVALID_ARG_VALUE|OUT_OF_RANGE)$/
const TYPED = /^(E[A-Z0-9]+|ERR_NETNS_[A-Z_]+|ERR_INVALID_[A-Z_]+|ERR_OUT_OF_RANGE|no error)$/

// biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
type Wrong = any

test('what is not of its type is refused by name', async () => {
  const wrong: [string, fc.Arbitrary<unknown>, (value: Wrong) => unknown][] = [
    ['name', notA('string'), (value) => NetNs.fromName(value)],
    ['name', notA('string'), (value) => NetNs.delete(value)],
    ['name', notA('string'), (value) => NetNs.deleteSync(value)],
    ['name', notA('string'), (value) => NetNs.current().attach(value)],
    ['pid', notA('number'), (value) => NetNs.fromPid(value)],
    ['pid', notA('number'), (value) => NetNs.fromThread(value, 1)],
    ['tid', notA('number'), (value) => NetNs.fromThread(1, value)],
    ['fd', notA('number'), (value) => NetNs.fromFd(value)],
    ['fn', notA('function'), (value) => NetNs.current().runSync(value)],
    ['path', notA('string').filter((value) => !(value instanceof Uint8Array)), (value) => NetNs.fromPath(value)],
    ['options', notAnObject, (value) => NetNs.list(value)],
    ['options', notAnObject, (value) => NetNs.createSync(value)],
    ['options', notAnObject, (value) => NetNs.create(value)],
    ['options', notAnObject, (value) => NetNs.watch(value)],
    ['options', notAnObject, (value) => NetNs.current().enterThread(value)],
    ['options', notAnObject, (value) => probe(value)],
    [
      'options.directory',
      notA('string').filter((value) => value !== undefined),
      (value) => NetNs.listSync({ directory: value })
    ],
    ['options.name', notA('string').filter((value) => value !== undefined), (value) => NetNs.create({ name: value })],
    [
      'options.loopback',
      notA('boolean').filter((value) => value !== undefined),
      (value) => NetNs.create({ loopback: value })
    ],
    [
      'options.force',
      notA('boolean').filter((value) => value !== undefined),
      (value) => NetNs.delete('red', { force: value })
    ],
    ['options.signal', fc.anything().filter((value) => value !== undefined), (value) => NetNs.watch({ signal: value })],
    ['other', fc.anything().filter((value) => value !== undefined), (value) => NetNs.current().equals(value)]
  ]
  for (const [parameter, values, call] of wrong) {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        const error = await Promise.resolve()
          .then(() => call(value))
          .then(
            () => undefined,
            (error) => error
          )
        expect(error?.code).toBe('ERR_INVALID_ARG_TYPE')
        expect(error).toBeInstanceOf(TypeError)
        expect(error.message).toMatch(
          new RegExp(`^The "${parameter.replace('.', '\\.')}" (argument|property) must be `)
        )
        expect(error.message).toContain('Received ')
      }),
      { numRuns: 60 }
    )
  }
})

test('any pid, tid and descriptor is answered, and typed', async () => {
  const number = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.integer({ min: -3, max: 400_000 }),
    fc.constantFrom(NaN, -0, Infinity, 2 ** 31, 2 ** 32 + 1)
  )
  await fc.assert(
    fc.asyncProperty(number, number, async (a, b) => {
      const calls = [
        () => NetNs.fromPid(a).close(),
        () => NetNs.fromThread(a, b).close(),
        () => NetNs.fromFd(a).close()
      ]
      const valid = (value: number, least: number) => Number.isInteger(value) && value >= least && value < 2 ** 31
      const codes = await Promise.all(calls.map(codeOf))
      for (const code of codes) expect(code).toMatch(TYPED)
      expect(ARGUMENT.test(codes[0] as string)).toBe(!valid(a, 1))
      expect(ARGUMENT.test(codes[1] as string)).toBe(!valid(a, 1) || !valid(b, 1))
      expect(ARGUMENT.test(codes[2] as string)).toBe(!valid(a, 0))
    }),
    { numRuns: 500 }
  )
})

test('any text is a name that iproute2 would take, or is refused; and nothing is made outside of the directory', async () => {
  const text = fc.oneof(
    anyText,
    fc.string(),
    fc.constantFrom('', '.', '..', '../x', 'x/y', 'x\0', '\ud800', 'é'.repeat(128))
  )
  await fc.assert(
    fc.asyncProperty(text, async (name) => {
      const fine =
        name.length > 0 &&
        !/[/\0]/.test(name) &&
        !/^\.\.?$/.test(name) &&
        name.isWellFormed() &&
        Buffer.byteLength(name) <= 255
      const code = await codeOf(() => NetNs.fromName(name, { directory: where }))
      expect(code).toBe(fine ? 'ENOENT' : 'ERR_INVALID_ARG_VALUE')
      expect(await codeOf(() => NetNs.delete(name, { directory: where }))).toBe(code)
      if (!fine) expect(await codeOf(() => NetNs.createSync({ name, directory: where }))).toBe('ERR_INVALID_ARG_VALUE')
    }),
    { numRuns: 500 }
  )
  expect(NetNs.listSync({ directory: where })).toEqual([])
  expect(await NetNs.listStale({ directory: where })).toEqual([])
})

test('any path is answered, and typed', async () => {
  const path = fc.oneof(
    anyText,
    fc.uint8Array({ maxLength: 5000 }).map(Buffer.from),
    fc.webUrl().map((url) => new URL(url))
  )
  await fc.assert(
    fc.asyncProperty(path, async (path) => {
      expect(await codeOf(() => NetNs.fromPath(path).close())).toMatch(TYPED)
      if (typeof path === 'string')
        expect(await codeOf(() => NetNs.list({ directory: `/nowhere/${path}` }))).toMatch(TYPED)
    }),
    { numRuns: 500 }
  )
  expect(await codeOf(() => NetNs.fromPath(''))).toBe('ERR_INVALID_ARG_VALUE')
  expect(await codeOf(() => NetNs.fromPath('/proc\0'))).toBe('ERR_INVALID_ARG_VALUE')
  expect(await codeOf(() => NetNs.fromPath('/x'.repeat(5000)))).toBe('ENAMETOOLONG')
})

test('I1: after all that, every thread is where it was', () => {
  expect(here()).toBe(home)
  expect(strays(home)).toEqual([])
})
