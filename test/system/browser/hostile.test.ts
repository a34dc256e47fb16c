import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { eventually, launch, open } from './support/chromium.ts'
import { DashboardServer } from './support/server.ts'
import { names, stateOf, tile } from './support/tiles.ts'

const IMAGE = '<img src=x onerror="globalThis.hacked=1">'

const HOSTILE: readonly string[] = [
  IMAGE,
  '</script><script>globalThis.hacked=2</script>',
  '"]\'} , .tile { display: none } /* \\',
  '__proto__',
  'constructor',
  'javascript:alert(1)',
  'a'.repeat(5_000),
  '\u202Eesrever',
  '',
]

describe('hostile names, reasons and errors', () => {
  const monitor = new CircuitBreakerMonitor()
  const server = new DashboardServer(monitor)
  let browser: Browser

  before(async () => {
    for (const name of HOSTILE) {
      const breaker = new CircuitBreaker({ name, failMax: 1 })
      monitor.watch(breaker)
      const error = Object.assign(new Error(IMAGE), { name: IMAGE })
      await breaker.call(() => Promise.reject(error)).catch(() => {})
      breaker.isolate(IMAGE)
    }
    await server.start()
    browser = await launch()
  })
  after(async () => {
    await browser.close()
    await server.stop()
  })

  it('are plain text everywhere', async () => {
    const { page, complaints } = await open(browser, server.url)
    const shown = await page.locator('.tiles h3').allTextContents()
    assert.deepEqual(shown.toSorted(), HOSTILE.map((name) => name || '(no name)').toSorted())
    await tile(page, IMAGE).locator('summary').click()
    assert.equal(await tile(page, IMAGE).locator('.failure').innerText(), `${IMAGE}: ${IMAGE}`)
    assert.equal(await tile(page, IMAGE).locator('.why > span').innerText(), IMAGE)
    assert.equal(await page.locator('.log .reason').first().innerText(), IMAGE)
    assert.equal(await page.locator('img').count(), 0)
    assert.equal(await page.evaluate('globalThis.hacked'), undefined)
    assert.deepEqual(complaints, [])
    await page.close()
  })

  it('can be found and controlled like any other', async () => {
    const { page, complaints } = await open(browser, server.url)
    await page.getByLabel('Search by name').fill('<img')
    await eventually(() => names(page), [IMAGE])
    await tile(page, IMAGE).getByRole('button', { name: 'Close' }).click()
    await page.locator('dialog button[type=submit]').click()
    await eventually(() => stateOf(page, IMAGE), 'Closed')
    for (const name of HOSTILE) {
      const button = page.locator('.log-name', { hasText: name }).first()
      if (name.length > 0 && name.length < 100) {
        await button.click()
        await eventually(() => page.evaluate("document.activeElement.closest('li')?.dataset.id"), name)
      }
    }
    assert.equal(await page.evaluate('globalThis.hacked'), undefined)
    assert.deepEqual(complaints, [])
    await page.close()
  })

  it('do not make the page wider than the screen', async () => {
    const { page } = await open(browser, server.url, { viewport: { width: 360, height: 740 } })
    for (const summary of await page.locator('summary').all()) await summary.click()
    await tile(page, IMAGE).scrollIntoViewIfNeeded()
    await tile(page, IMAGE).getByRole('button', { name: 'Isolate' }).click()
    await page.locator('dialog').waitFor()
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
    await page.close()
  })
})
