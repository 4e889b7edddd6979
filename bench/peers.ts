/** How the peers in `peers/` are started. */
import { join } from 'node:path'
import type { PeerCommand } from './suite.ts'

const root = join(import.meta.dirname, '..')

/** A script of `peers/`, run by this Node. */
export function node(script: string): PeerCommand {
  return { file: process.execPath, args: [join(import.meta.dirname, 'peers', script)] }
}

/** A peer of the Rust program: `raw`, `core` or `ip`. */
export function rust(peer: string): PeerCommand {
  const file = join(root, 'target/bench/rust-peers')
  return { file, args: [peer], needs: peer === 'ip' ? 'ip' : file }
}

/** A peer of the Go program, which is there if Go is: `netns` or `cni`. */
export function go(peer: string): PeerCommand {
  const file = join(root, 'target/bench/go-peers')
  return { file, args: [peer], needs: file }
}
