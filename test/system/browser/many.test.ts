import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { eventually, launch, open } from './support/chromium.ts'
import { DashboardServer } from './support/server.ts'
import { names, stateOf, tile } from './support/tiles.ts'

const MANY = 500

/** The number of seconds that are measured. */
const SECONDS = 6

/** Milliseconds of CPU time that the main thread may take per second, whatever else the machine does. */
const BUDGET = 400

describe('five hundred breakers, all in use', () => {
  const monitor = new CircuitBreakerMonitor()
  const server = new DashboardServer(monitor)
  const breakers = Array.from(
    { length: MANY },
    (_, i) => new CircuitBreaker({ name: `service-${i}`, failMax: 9 }),
  )
  let timer: NodeJS.Timeout
  let browser: Browser
  let page: Page
  let session: CDPSession
  let complaints: string[]

  before(async () => {
    for (const breaker of breakers) monitor.watch(breaker)
    let round = 0
    timer = setInterval(() => {
      round++
      for (const [i, breaker] of breakers.entries()) {
        const fails = (i * 7 + round) % 19 === 0
        breaker.call(() => (fails ? Promise.reject(new Error('down')) : Promise.resolve())).catch(() => {})
      }
    }, 200)
    await server.start()
    browser = await launch()
    ;({ page, complaints } = await open(browser, server.url))
    session = await page.context().newCDPSession(page)
    await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  })
  after(async () => {
    clearInterval(timer)
    await browser.close()
    await server.stop()
  })

  async function taskTime(): Promise<number> {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1_000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN)
  }

  /** The number of updates received. */
  const updates = (): Promise<number> => page.evaluate('globalThis.updates')

  it('all have a tile, but only those near the screen are drawn', async () => {
    await eventually(() => page.locator('.tiles > li').count(), MANY)
    await page.locator('.uplot').nth(2).waitFor()
    const drawn = await page.locator('.uplot').count()
    assert.ok(drawn <= 40, `${drawn} plots are drawn`)
  })

  it('leave the main thread idle most of the time, and never block it for long', async (t) => {
    await page.evaluate(`{
      globalThis.updates = 0
      globalThis.longest = 0
      new EventSource('./events').addEventListener('update', () => globalThis.updates++)
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration)
      }).observe({ type: 'longtask' })
    }`)
    await eventually(async () => (await updates()) >= 1, true)
    const [time, count] = [await taskTime(), await updates()]
    await eventually(async () => (await updates()) >= count + SECONDS, true)
    const perUpdate = ((await taskTime()) - time) / ((await updates()) - count)
    const longest = (await page.evaluate('globalThis.longest')) as number
    t.diagnostic(
      `${MANY} breakers: ${perUpdate.toFixed(0)} ms of the main thread per update; longest task ${longest} ms`,
    )
    assert.ok(perUpdate < BUDGET, `${perUpdate} ms per update`)
  })

  it('can be searched and sorted without delay', async () => {
    await page.getByLabel('Search by name').fill('service-49')
    await eventually(async () => (await names(page)).length, 11)
    await page.getByLabel('Search by name').fill('')
    await page.getByLabel('Sort by').selectOption({ label: 'Name' })
    await eventually(async () => (await names(page)).at(-1), 'service-499')
  })

  it('are drawn only when they scroll onto the screen', async () => {
    const last = tile(page, 'service-499')
    assert.equal(await last.locator('.uplot').count(), 0)
    await last.scrollIntoViewIfNeeded()
    await last.locator('.uplot').waitFor()
    assert.equal(await tile(page, 'service-0').locator('.uplot').count(), 0)
    breakers[499]!.isolate('the last one')
    await eventually(() => stateOf(page, 'service-499'), 'Isolated')
    breakers[0]!.isolate('far from the screen')
    await eventually(() => stateOf(page, 'service-0'), 'Isolated')
  })

  it('moves the worst to the top at once, but moves nothing under the pointer', async () => {
    await page.mouse.move(0, 0) // tiles do not move while the pointer is over one
    await page.evaluate('scrollTo(0, 0)')
    await page.getByLabel('Sort by').selectOption({ label: 'Worst first' })
    // Of the two isolated ones, the one with more recent failures is first.
    await eventually(async () => (await names(page)).slice(0, 2).toSorted(), ['service-0', 'service-499'])
    await page.locator('.tiles > li').nth(2).hover()
    await page.evaluate(`{
      const point = () => document.querySelector('.tiles > li').dispatchEvent(new PointerEvent('pointermove', { bubbles: true }))
      globalThis.hand = setInterval(point, 50)
      point()
    }`)
    const order = await names(page)
    breakers[250]!.isolate('while somebody points')
    await eventually(() => page.locator('.chip[data-state=isolated] b').innerText(), '3')
    assert.deepEqual(await names(page), order)
    await page.evaluate('clearInterval(globalThis.hand)')
    await eventually(async () => (await names(page)).slice(0, 3).includes('service-250'), true)
    assert.deepEqual(complaints, [])
  })
})
