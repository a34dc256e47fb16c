import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { eventually, launch, open } from './support/chromium.ts'
import { DashboardServer } from './support/server.ts'
import { figure, stateOf, tile } from './support/tiles.ts'

const succeed = async (): Promise<string> => 'ok'

const fail = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { name: 'ConnectError' }))

async function callOften(breaker: CircuitBreaker, fn: () => Promise<unknown>, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await breaker.call(fn).catch(() => {})
}

/** Records the countdown of the first tile, from the first number on. */
const COLLECT_COUNTDOWN = `{
  globalThis.countdown = []
  new MutationObserver(() => {
    const text = document.querySelector('.tile .time dd').innerText.trim()
    const { length } = globalThis.countdown
    if ((length > 0 || /^\\d/.test(text)) && text !== globalThis.countdown[length - 1]) globalThis.countdown.push(text)
  }).observe(document.querySelector('.tile .time'), { childList: true, characterData: true, subtree: true })
}`

describe('the page during an outage', () => {
  // Only the time of the page passes by itself, so the breaker does not depend on the speed of the machine.
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ name: 'payments', clock, failMax: 3, timeoutDuration: 4_000 })
  const monitor = new CircuitBreakerMonitor()
  const server = new DashboardServer(monitor)
  let browser: Browser

  before(async () => {
    monitor.watch(breaker)
    monitor.watch(new CircuitBreaker({ name: 'search' }))
    await server.start()
    browser = await launch()
  })

  after(async () => {
    await browser.close()
    await server.stop()
  })

  /** Adds a breaker that has tripped and closed again. */
  async function recover(name: string): Promise<void> {
    const breaker = new CircuitBreaker({ name, timeoutDuration: 0 })
    monitor.watch(breaker)
    await callOften(breaker, fail, 5)
    await callOften(breaker, succeed, 1)
  }

  it('shows the trip, the countdown, the rejections, the probe and the recovery as they happen', async () => {
    const { page, complaints } = await open(browser, server.url)
    assert.equal(await stateOf(page, 'payments'), 'Closed')
    await callOften(breaker, succeed, 6)
    await eventually(() => figure(page, 'payments', 'Success'), '6')
    await page.evaluate(COLLECT_COUNTDOWN)

    await callOften(breaker, fail, 3)
    await eventually(() => stateOf(page, 'payments'), 'Open')
    await eventually(() => figure(page, 'payments', 'Failure'), '3')
    assert.equal(await figure(page, 'payments', 'Errors'), '33 %')
    assert.equal(await tile(page, 'payments').locator('.why > span').innerText(), 'Consecutive failures')
    assert.match(
      await tile(page, 'payments').locator('summary').innerText(),
      /ConnectError: connect ECONNREFUSED/,
    )
    await eventually(
      () => page.locator('[data-announcer]').innerText(),
      'payments: Open, consecutive failures.',
    )
    await page.locator('.health[data-health=down]').waitFor()
    await eventually(() => page.title(), '(1) Circuit breakers')
    await eventually(() => page.locator('.chip[data-state=open] b').innerText(), '1')

    await eventually(() => figure(page, 'payments', 'Next probe in'), 'now')
    const seen = (await page.evaluate('globalThis.countdown')) as string[]
    const countdown = ['4 s', '3 s', '2 s', '1 s', 'now']
    assert.deepEqual(
      seen,
      countdown.filter((each) => seen.includes(each)),
    )
    assert.ok(seen.length > 2, seen.join())
    await callOften(breaker, succeed, 2)
    await eventually(() => figure(page, 'payments', 'Rejected'), '2')
    assert.equal(await stateOf(page, 'payments'), 'Open')
    clock.advance(4_000)
    await eventually(() => stateOf(page, 'payments'), 'Half-open')

    await callOften(breaker, succeed, 1)
    await eventually(() => stateOf(page, 'payments'), 'Closed')
    await page.locator('.health[data-health=up]').waitFor()
    await eventually(() => page.title(), 'Circuit breakers')
    assert.deepEqual(await page.locator('.log .change-to').allInnerTexts(), ['Closed', 'Half-open', 'Open'])
    assert.deepEqual(complaints, [])
    await page.close()
  })

  it('has the latest transitions and the complete failure in the details', async () => {
    await recover('orders')
    const { page } = await open(browser, server.url)
    const details = tile(page, 'orders').locator('details')
    await details.locator('summary').click()
    assert.equal(await details.locator('.failure').innerText(), 'ConnectError: connect ECONNREFUSED')
    assert.deepEqual(await details.locator('.changes .reason').allInnerTexts(), [
      'probe succeeded',
      'open time passed',
      'consecutive failures',
    ])
    const [latest] = await details.locator('.changes time').all()
    const at = Date.parse((await latest?.getAttribute('datetime')) ?? '')
    assert.equal(at, monitor.transitions.at(-1)?.at)
    await page.close()
  })

  it('describes the plot in words', async () => {
    await recover('invoices')
    const { page } = await open(browser, server.url)
    const plot = tile(page, 'invoices').getByRole('img')
    await plot.locator('canvas').waitFor() // the plot is drawn and described after its tile appears
    assert.match(
      (await plot.getAttribute('aria-label')) ?? '',
      /^Calls of the last two minutes: 1 succeeded, 5 failed, 0 rejected\. The 90th percentile reached \S+ ms\.$/,
    )
    assert.equal(await plot.locator('canvas').count(), 1)
    await page.close()
  })

  it('adds the tiles of new breakers and removes those of unwatched ones', async () => {
    const { page, complaints } = await open(browser, server.url)
    const watching = monitor.watch(new CircuitBreaker({ name: 'guest' }))
    await eventually(() => tile(page, 'guest').count(), 1)
    watching[Symbol.dispose]()
    await eventually(() => tile(page, 'guest').count(), 0)
    assert.deepEqual(complaints, [])
    await page.close()
  })

  it('distinguishes two breakers of one name', async () => {
    const { page } = await open(browser, server.url)
    monitor.watch(new CircuitBreaker({ name: 'twin' }))
    monitor.watch(new CircuitBreaker({ name: 'twin' }))
    await eventually(() => tile(page, 'twin (2)').count(), 1)
    monitor.isolate('twin (2)')
    await eventually(() => stateOf(page, 'twin (2)'), 'Isolated')
    assert.equal(await stateOf(page, 'twin'), 'Closed')
    await page.close()
  })
})
