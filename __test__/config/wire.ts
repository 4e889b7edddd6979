/** Two namespaces with a wire between them, and iproute2 as the judge. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { NetNs } from 'node-netns'
import { expect, TestRunner } from 'vitest'

/** Runs a program inside and returns what it printed. */
export function inside(ns: NetNs, file: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = ns.runSync(() => spawnSync(file, args, { encoding: 'utf8' }))
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') throw missing(file)
  if (error) throw error
  if (status !== 0) throw new Error(`${file} ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** A test cannot go on without its judge. Where releases are decided there is one, elsewhere `npm test` tells of the gap. */
export function missing(file: string): Error {
  const error = new Error(`\`${file}\` is missing, which this test judges by. Install it, as by: apt install iproute2`)
  if (!process.env['CI']) TestRunner.getCurrentTest()?.context.skip(error.message)
  return error
}

/** How a tun link is refused here, as containers lack the device and some machines keep it for root; if it is. */
export const tunRefusal = refuseTun()

function refuseTun(): { code: unknown; path: string; message: unknown } | undefined {
  const path = '/dev/net/tun'
  try {
    closeSync(openSync(path, 'r+'))
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const remedy = code === 'ENOENT' ? 'modprobe tun' : "must be this user's to open"
    return { code, path, message: expect.stringContaining(remedy) }
  }
}

/** Runs `ip` inside. */
export function ip(ns: NetNs, ...args: string[]): string {
  return inside(ns, 'ip', ...args)
}

/** What `ip -j -d` says. */
// biome-ignore lint/suspicious/noExplicitAny: iproute2's JSON has no types
export function ipJson(ns: NetNs, ...args: string[]): any[] {
  const text = ip(ns, '-j', '-d', ...args)
  return text.trim() === '' ? [] : JSON.parse(text)
}

/** Two namespaces, `left` with 10.0.0.1/24 and `right` with 10.0.0.2/24 on their `eth0`. */
export async function pair(): Promise<{ left: NetNs; right: NetNs } & Disposable> {
  const [left, right] = [NetNs.createSync(), NetNs.createSync()]
  await left.links.add({
    kind: 'veth',
    name: 'eth0',
    up: true,
    addresses: ['10.0.0.1/24'],
    peer: { name: 'eth0', netns: right, up: true, addresses: ['10.0.0.2/24'] }
  })
  return {
    left,
    right,
    [Symbol.dispose]() {
      left.close()
      right.close()
    }
  }
}
