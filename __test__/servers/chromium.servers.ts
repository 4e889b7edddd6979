/** Chromium, started by its path alone as Puppeteer and Playwright do, shows a page that only exists inside. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { NetNs } from 'node-netns'
import { afterAll, expect, test } from 'vitest'
import { readPng } from './png.ts'

const profile = mkdtempSync(join(tmpdir(), 'netns-chromium-'))
afterAll(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--window-size=320,200',
  `--user-data-dir=${profile}`,
  '--remote-debugging-pipe'
]

const PAGE =
  '<body style="background: rgb(1, 120, 200)"><script>document.body.append("seen at " + location.host)</script>'

test('a browser started through a wrapper takes a picture of a page inside', async () => {
  expect(spawnSync('chromium', ['--version']).status, 'Chromium is missing: apt install chromium').toBe(0)
  await using ns = await NetNs.create()
  const server = ns.http.createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(PAGE)
  })
  server.listen(80, '127.0.0.1')
  await once(server, 'listening')
  using chromium = ns.wrapper({ file: 'chromium', args: FLAGS })
  // Descriptors 3 and 4 carry the browser's protocol, as with `puppeteer.launch({ pipe: true })`.
  const child = spawn(chromium.path, [], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
  const browser = new Browser(child.stdio[3] as Writable, child.stdio[4] as Readable)
  try {
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
    const page = (method: string, params = {}) => browser.send(method, params, sessionId as string)
    await page('Page.enable')
    const loaded = browser.event('Page.loadEventFired')
    const { errorText } = await page('Page.navigate', { url: 'http://127.0.0.1/' })
    expect(errorText).toBe(undefined)
    await loaded
    const { result } = await page('Runtime.evaluate', { expression: 'document.body.innerText' })
    expect(result).toMatchObject({ value: 'seen at 127.0.0.1' })
    const { data } = await page('Page.captureScreenshot', { format: 'png' })
    expect(readPng(Buffer.from(data as string, 'base64')).at(0, 0)).toEqual([1, 120, 200])
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
    server.closeAllConnections()
    server.close()
  }
})

type Reply = Record<string, unknown>

/** The DevTools protocol over a pipe: JSON, each message ended by a NUL. */
class Browser {
  readonly #input: Writable
  readonly #waiting = new Map<number | string, (reply: Reply) => void>()
  #last = 0

  constructor(input: Writable, output: Readable) {
    this.#input = input
    let rest = ''
    output.setEncoding('utf8').on('data', (chunk) => {
      const messages = `${rest}${chunk}`.split('\0')
      rest = messages.pop() ?? ''
      for (const message of messages) this.#hear(JSON.parse(message))
    })
  }

  send(method: string, params: object, sessionId?: string): Promise<Reply> {
    const id = ++this.#last
    this.#input.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return new Promise((resolve) => this.#waiting.set(id, resolve))
  }

  event(method: string): Promise<Reply> {
    return new Promise((resolve) => this.#waiting.set(method, resolve))
  }

  #hear(message: { id?: number; method?: string; result?: Reply; params?: Reply; error?: unknown }): void {
    if (message.error) throw new Error(JSON.stringify(message.error))
    const key = message.id ?? message.method ?? ''
    this.#waiting.get(key)?.(message.result ?? message.params ?? {})
    this.#waiting.delete(key)
  }
}
