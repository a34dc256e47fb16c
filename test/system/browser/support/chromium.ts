import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { CHROMIUM } from '../../../helpers/chromium.ts'

/** Long enough for a machine that has much else to do: only what never comes takes so long. */
export const PATIENCE = 60_000

export function launch(): Promise<Browser> {
  return chromium.launch(CHROMIUM)
}

/** A page that remembers what went wrong in it. */
export interface WatchedPage {
  readonly page: Page
  /** Errors and warnings of the console, and errors that nobody caught. */
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

/** Opens a page and waits until it shows what the server knows. */
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

/** Fails unless `read` gives `expected` before long. */
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
