/** `/etc/netns` and `/sys`, which a named namespace's programs see as under `ip netns exec`. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { inMounts } from './support.ts'

/** An `/etc` to play with, and something mounted deep under `/sys`. */
const PREPARE = `
  scratch=$(mktemp -d)
  mount -t tmpfs scratch "$scratch"
  # An ordinary user may not read all of it, nor own what is another's.
  cp -a /etc/. "$scratch" 2>/dev/null || :
  mount --bind "$scratch" /etc
  mount -t tmpfs marked /sys/kernel/debug
  echo kept > /sys/kernel/debug/marker
  mkdir /sys/kernel/debug/below
  mount -t tmpfs below /sys/kernel/debug/below
  echo kept > /sys/kernel/debug/below/marker
`

test('they are covered for the child only, whatever is in the way', () => {
  const before = readFileSync('/proc/self/mountinfo', 'utf8')
  const seen = inMounts(PREPARE, './mounts.fixture.ts')
  expect(seen).toEqual({
    file: 'inside',
    symlinkTarget: 'inside',
    danglingTarget: 'inside',
    linkedSource: 'inside',
    directory: 'inside',
    others: true,
    missing: { code: 'ENOENT', syscall: 'spawn cat', path: 'cat' },
    missingMessage: expect.stringContaining("'/etc/missing'"),
    outside: 'outside',
    elsewhere: 'outside',
    links: 'lo',
    plainLinks: true,
    marker: 'kept',
    below: 'kept',
    cgroups: true,
    off: 'outside',
    mountsHere: true,
    mountsAfterFailure: true,
    unnamed: 'net:same'
  })
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).toBe(before)
})
