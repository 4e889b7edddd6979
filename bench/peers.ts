/** How the peers in `peers/` are started. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { PeerCommand } from './suite.ts'

const root = join(import.meta.dirname, '..')
let binary = process.execPath
let version = process.version

/** Peers that are scripts will run on another Node. */
export function useNode(path: string): void {
  const { stdout, status } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${path} is no Node`)
  binary = path
  version = stdout.trim()
}

/** The version of the Node that scripts run on, such as `v20.20.2`. */
export function nodeVersion(): string {
  return version
}

/** A script of `peers/`. */
export function node(script: string, ...args: string[]): PeerCommand {
  return { file: binary, args: [join(import.meta.dirname, 'peers', script), ...args] }
}

/** The same command as a process whose own network is the namespace `name`. */
export function there(name: string, { file, args }: PeerCommand): PeerCommand {
  return { file: 'nsenter', args: [`--net=/run/netns/${name}`, file, ...args], needs: 'nsenter' }
}

/** A peer of the Rust program: `raw`, `core`, `netlink` or `ip`. */
export function rust(peer: string): PeerCommand {
  const file = join(root, 'target/bench/rust-peers')
  return { file, args: [peer], needs: peer === 'ip' ? 'ip' : file }
}

/** A program of its own that `npm run bench` has built, where it could. */
export function builtPeer(name: string): PeerCommand {
  const file = join(root, 'target/bench', name)
  return { file, args: [], needs: file }
}

/** A peer of the Go program, which is there if Go is: `netns` or `cni`. */
export function go(peer: string): PeerCommand {
  const file = join(root, 'target/bench/go-peers')
  return { file, args: [peer], needs: file }
}
