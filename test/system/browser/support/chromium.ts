import assert from 'node:assert/strict'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'

const EXECUTABLE = '/usr/bin/chromium'

/** Long enough for a machine that has much else to do: only what never comes takes so long. */
export const PATIENCE = 60_000

const FLAGS: readonly string[] = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: [...FLAGS] })
}

/** A page that remembers what went wrong in it. */
export interface WatchedPage {
  readonly page: Page
  /** Errors and warnings of the console, and errors that nobody caught. */
  readonly complaints: string[]
}

/** Opens a page and waits until it shows what the server knows. */
export async function open(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const page = await browser.newPage({ viewport: { width: 1_280, height: 900 }, ...options })
  page.setDefaultTimeout(PATIENCE)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(url)
  await page.locator('.link[data-link=live]').waitFor()
  return { page, complaints }
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
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }
}
