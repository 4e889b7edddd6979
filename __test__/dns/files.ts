/** Configuration files of a test's own. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DnsSource } from '../../lib/dns/source.ts'

/** A directory like `/etc`, gone with the test. */
export class Files implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'netns-dns-'))

  write(name: string, text: string | Buffer): void {
    writeFileSync(join(this.path, name), text)
  }

  source(more: Partial<DnsSource> = {}): DnsSource {
    return {
      resolvConf: [join(this.path, 'resolv.conf')],
      hosts: [join(this.path, 'hosts')],
      services: [join(this.path, 'services')],
      network: () => 'here',
      ...more
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true })
  }
}

/** A source that reads nothing of this machine. */
export const NOWHERE: DnsSource = { resolvConf: [], hosts: [], services: [], network: () => 'here' }
