import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { CHROMIUM } from '../../../helpers/chromium.ts'

/** Milliseconds; long enough for a busy machine, so that only what never happens takes this long. */
export const PATIENCE = 60_000

export function launch(): Promise<Browser> {
  return chromium.launch(CHROMIUM)
}

/** A page, and the problems that occurred in it. */
export interface WatchedPage {
  readonly page: Page
  /** Errors and warnings in the console, and uncaught errors. */
  readonly complaints: string[]
}

export async function newPage(browser: Browser, options: BrowserContextOptions): Promise<WatchedPage> {
  const page = await browser.newPage(options)
  page.setDefaultTimeout(PATIENCE)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return { page, complaints }
}

/** Opens a page and waits until it shows the state of the server. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const watched = await newPage(browser, { viewport: { width: 1_280, height: 900 }, ...options })
  await watched.page.goto(url)
  await watched.page.locator('.link[data-link=live]').waitFor()
  return watched
}

/** Waits until `read` returns `expected`, and fails if that takes too long. */
export async function eventually<T>(read: () => Promise<T>, expected: T): Promise<void> {
  const end = performance.now() + PATIENCE
  for (;;) {
    const value = await read()
    if (performance.now() > end) return assert.deepEqual(value, expected)
    try {
      return assert.deepEqual(value, expected)
    } catch {
      await sleep(25)
    }
  }
}
