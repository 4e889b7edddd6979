/** Puppeteer and Playwright, which get a wrapper for a browser, show a page that only exists inside. */
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NetNs } from 'node-netns'
import { chromium } from 'playwright-core'
import puppeteer from 'puppeteer-core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPng } from './png.ts'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
const SIZE = { width: 320, height: 200 }
const PAGE = `<title>inside</title>
  <body style="margin: 0; background: linear-gradient(to right, rgb(255, 0, 0) 50%, rgb(0, 0, 255) 50%)">`

let ns: NetNs
let server: Server
/** Everything that anybody puts into a temporary place is here. */
let directory: string

beforeEach(async () => {
  expect(spawnSync('chromium', ['--version']).status, 'Chromium is missing: apt install chromium').toBe(0)
  directory = mkdtempSync(join(tmpdir(), 'netns-browsers-'))
  process.env['TMPDIR'] = directory
  ns = await NetNs.create()
  server = ns.http.createServer((request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(request.url === '/' ? PAGE : '')
  })
  server.listen(80, '127.0.0.1')
  await once(server, 'listening')
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
  ns.close()
  delete process.env['TMPDIR']
  rmSync(directory, { recursive: true, force: true })
})

test('Puppeteer', async () => {
  const wrapper = ns.wrapper({ file: 'chromium' })
  const launch = { executablePath: wrapper.path, args: FLAGS, pipe: true, defaultViewport: SIZE }
  const browser = await puppeteer.launch(launch)
  const page = await browser.newPage()
  await page.goto('http://127.0.0.1/')
  expect(await page.title()).toBe('inside')
  expectHalves(Buffer.from(await page.screenshot({ type: 'png' })))
  await browser.close()
  wrapper.dispose()
  await nothingLeft()
})

test('Playwright', async () => {
  const wrapper = ns.wrapper({ file: 'chromium' })
  const browser = await chromium.launch({ executablePath: wrapper.path, args: FLAGS })
  const page = await browser.newPage({ viewport: SIZE })
  await page.goto('http://127.0.0.1/')
  expect(await page.title()).toBe('inside')
  expectHalves(await page.screenshot({ type: 'png' }))
  await browser.close()
  wrapper.dispose()
  await nothingLeft()
})

/** Red on the left, blue on the right: the page was drawn, and nothing else. */
function expectHalves(png: Buffer): void {
  const { width, height, at } = readPng(png)
  expect({ width, height }).toEqual(SIZE)
  expect(at(10, 100)).toEqual([255, 0, 0])
  expect(at(310, 100)).toEqual([0, 0, 255])
}

/** No process in the namespace, no file. */
async function nothingLeft(): Promise<void> {
  while ((await ns.pids()).length > 0) await sleep(20)
  expect(readdirSync(directory)).toEqual([])
}
