/** What readers of the documentation have at hand, so that its examples need not say it each time. */
import type * as NodeNetns from 'node-netns'

declare global {
  type NetNs = NodeNetns.NetNs
  const NetNs: typeof NodeNetns.NetNs
  const NetnsError: typeof NodeNetns.NetnsError
  const probe: typeof NodeNetns.probe
  const red: NetNs
  const blue: NetNs
  const ns: NetNs
  const fd: number
  const privateKey: string
  const publicKey: string
  const hosts: string[]
  const signal: AbortSignal
  const generateTenThousand: () => Iterable<NodeNetns.RouteSpec>
  const handler: import('node:http').RequestListener
  const workerData: { fd: number }
  const os: typeof import('node:os')
  const http: typeof import('node:http')
  const spawn: typeof import('node:child_process').spawn
  const networkInterfaces: typeof import('node:os').networkInterfaces
  const readFileSync: typeof import('node:fs').readFileSync
  const puppeteer: {
    launch(options: object): Promise<{ newPage(): Promise<{ goto(url: string): Promise<unknown> }> }>
  }
  // For whoever reads the sources.
  const createDns: typeof import('../../lib/dns/dns.ts').createDns
  const etcSource: typeof import('../../lib/dns/source.ts').etcSource
}
