/** A namespace with Node's modules. */
import { Configured } from '../config/configured.ts'
import { parts } from '../parts.ts'

/** The part of a `NetNs` that has Node's own modules, bound to it. */
export class Equipped extends Configured {
  /**
   * `node:net` bound to this namespace for ever, as are the modules below: functions run in a context of it, classes are
   * subclasses of Node's whose later calls (`connect` again, `listen`, …) do too, wherever they are made from.
   *
   * @throws as {@link run}, when something of it is called
   */
  get net(): typeof import('node:net') {
    return parts.node.boundModule(this, 'net')
  }

  /** `node:tls` in this namespace; see {@link net}. */
  get tls(): typeof import('node:tls') {
    return parts.node.boundModule(this, 'tls')
  }

  /** `node:http` in this namespace; see {@link net}. */
  get http(): typeof import('node:http') {
    return parts.node.boundModule(this, 'http')
  }

  /** `node:https` in this namespace; see {@link net}. */
  get https(): typeof import('node:https') {
    return parts.node.boundModule(this, 'https')
  }

  /** `node:http2` in this namespace; see {@link net}. */
  get http2(): typeof import('node:http2') {
    return parts.node.boundModule(this, 'http2')
  }

  /** `node:dgram` in this namespace; see {@link net}. */
  get dgram(): typeof import('node:dgram') {
    return parts.node.boundModule(this, 'dgram')
  }

  /** `node:dns` in this namespace, answered by a resolver of ours; see {@link net} and `docs/dns.md`. */
  get dns(): typeof import('node:dns') {
    return parts.node.boundDns(this)
  }

  /** `node:child_process` in this namespace; see {@link net}. */
  get childProcess(): typeof import('node:child_process') {
    return parts.node.boundModule(this, 'child_process')
  }

  /** `Worker` of `node:worker_threads`, whose thread is born in this namespace; see {@link net}. */
  get Worker(): typeof import('node:worker_threads').Worker {
    return parts.node.boundWorker(this)
  }

  /** `fetch` in this namespace; see {@link net}. */
  get fetch(): typeof globalThis.fetch {
    return parts.node.boundGlobal(this, 'fetch')
  }

  /** `WebSocket` in this namespace, where this Node has one; see {@link net}. */
  get WebSocket(): typeof globalThis.WebSocket {
    return parts.node.boundGlobal(this, 'WebSocket')
  }

  /** {@link childProcess}'s. */
  get spawn(): typeof import('node:child_process').spawn {
    return this.childProcess.spawn
  }

  /** {@link childProcess}'s. */
  get exec(): typeof import('node:child_process').exec {
    return this.childProcess.exec
  }

  /** {@link childProcess}'s. */
  get execFile(): typeof import('node:child_process').execFile {
    return this.childProcess.execFile
  }

  /** {@link childProcess}'s. */
  get fork(): typeof import('node:child_process').fork {
    return this.childProcess.fork
  }

  /** {@link childProcess}'s. */
  get spawnSync(): typeof import('node:child_process').spawnSync {
    return this.childProcess.spawnSync
  }

  /** {@link childProcess}'s. */
  get execSync(): typeof import('node:child_process').execSync {
    return this.childProcess.execSync
  }

  /** {@link childProcess}'s. */
  get execFileSync(): typeof import('node:child_process').execFileSync {
    return this.childProcess.execFileSync
  }

  /** The interfaces of this namespace, as `os.networkInterfaces()` lists them. */
  networkInterfaces(): ReturnType<typeof import('node:os').networkInterfaces> {
    return parts.node.boundNetworkInterfaces(this)
  }
}
