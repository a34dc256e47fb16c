import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { eventually, launch, open } from './support/chromium.ts'
import { DashboardServer } from './support/server.ts'
import { names, tile } from './support/tiles.ts'

/** It stands still, so that what is recent stays recent, however long the tests take. */
const clock = new ManualClock()

/** Creates a breaker with this many successful and failed calls. */
async function make(name: string, successes: number, failures: number): Promise<CircuitBreaker> {
  const breaker = new CircuitBreaker({ name, clock, failMax: 100 })
  monitor.watch(breaker)
  for (let i = 0; i < successes; i++) await breaker.call(() => Promise.resolve())
  for (let i = 0; i < failures; i++)
    await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
  return breaker
}

const monitor = new CircuitBreakerMonitor()

describe('what the page shows', () => {
  const server = new DashboardServer(monitor)
  let browser: Browser
  let page: Page

  before(async () => {
    await make('alpha', 10, 0)
    await make('beta-2', 1, 3)
    await make('beta-10', 30, 1)
    ;(await make('gamma', 0, 0)).isolate('maintenance')
    ;(await make('delta', 0, 0)).open()
    await server.start()
    browser = await launch()
    ;({ page } = await open(browser, server.url))
  })
  after(async () => {
    await browser.close()
    await server.stop()
  })

  const sort = (by: string): Promise<string[]> => page.getByLabel('Sort by').selectOption({ label: by })

  it('is sorted by the worst first', async () => {
    assert.deepEqual(await names(page), ['delta', 'gamma', 'beta-2', 'beta-10', 'alpha'])
  })

  it('can be sorted by name, with numbers by value, by traffic and by error rate', async () => {
    await sort('Name')
    await eventually(() => names(page), ['alpha', 'beta-2', 'beta-10', 'delta', 'gamma'])
    await sort('Traffic')
    await eventually(() => names(page), ['beta-10', 'alpha', 'beta-2', 'delta', 'gamma'])
    await sort('Error rate')
    await eventually(() => names(page), ['beta-2', 'beta-10', 'alpha', 'delta', 'gamma'])
    await sort('Worst first')
  })

  it('can be searched, ignoring case', async () => {
    await page.getByLabel('Search by name').fill('BETA')
    await eventually(() => names(page), ['beta-2', 'beta-10'])
    await page.getByLabel('Search by name').fill('nothing')
    await page.getByRole('button', { name: 'Show all 5' }).click()
    await eventually(async () => (await names(page)).length, 5)
  })

  it('can be limited to some states', async () => {
    await page.getByRole('button', { name: 'Open 1' }).click()
    await eventually(() => names(page), ['delta'])
    await page.getByRole('button', { name: 'Isolated 1' }).click()
    await eventually(() => names(page), ['delta', 'gamma'])
    await page.getByRole('button', { name: 'Open 1' }).click()
    await eventually(() => names(page), ['gamma'])
    await page.getByRole('button', { name: 'Isolated 1' }).click()
    await eventually(async () => (await names(page)).length, 5)
  })

  it('is part of the address, and survives a reload', async () => {
    await sort('Name')
    await page.getByLabel('Search by name').fill('a')
    await page.getByRole('button', { name: 'Closed 3' }).click()
    await eventually(() => names(page), ['alpha', 'beta-2', 'beta-10'])
    await eventually(async () => new URL(page.url()).hash, '#search=a&state=closed&sort=name')
    await page.reload()
    await eventually(() => names(page), ['alpha', 'beta-2', 'beta-10'])
    await page.goto(server.url)
    await page.locator('.link[data-link=live]').waitFor()
  })

  it('leads from a transition to its breaker, even if that was filtered out', async () => {
    await page.getByLabel('Search by name').fill('alpha')
    await eventually(() => names(page), ['alpha'])
    await page.getByRole('complementary').getByRole('button', { name: 'gamma' }).click()
    await eventually(() => page.evaluate("document.activeElement.closest('li')?.dataset.id"), 'gamma')
    await page.goto(server.url)
  })

  it('uses the chosen colors, also in the plots', async () => {
    const ground = (): Promise<string> =>
      page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
    const pixel = `(() => {
      const canvas = document.querySelector('[data-id=alpha] canvas')
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
      for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) return [...data.slice(i, i + 3)].join()
    })()`
    await tile(page, 'alpha').locator('.uplot').waitFor()
    await eventually(async () => (await page.evaluate(pixel)) !== undefined, true)
    const light = [await ground(), await page.evaluate(pixel)]
    await page.getByRole('button', { name: 'Theme: system' }).click()
    await eventually(async () => [await ground(), await page.evaluate(pixel)], light)
    await page.getByRole('button', { name: 'Theme: light' }).click()
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor()
    await eventually(ground, 'rgb(13, 16, 20)')
    await eventually(async () => (await page.evaluate(pixel)) === light[1], false)
    await page.reload()
    await page.getByRole('button', { name: 'Theme: dark' }).waitFor()
    assert.equal(await ground(), 'rgb(13, 16, 20)')
  })

  it('can be read second by second in the plots, in all of them at once', async () => {
    await tile(page, 'alpha').locator('.uplot').waitFor()
    await tile(page, 'alpha').locator('.u-over').hover()
    for (const id of ['alpha', 'beta-2'])
      await eventually(
        async () =>
          /^\d+ s ago · \d+ ok · \d+ failed · \d+ rejected/.test(
            await tile(page, id).locator('.plot-reading').innerText(),
          ),
        true,
      )
  })
})
