import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { eventually, launch, open } from './support/chromium.ts'
import { DashboardServer } from './support/server.ts'
import { figure, stateOf, tile } from './support/tiles.ts'

let browser: Browser
before(async () => {
  browser = await launch()
})
after(() => browser.close())

describe('a reader who may control', () => {
  const monitor = new CircuitBreakerMonitor()
  const server = new DashboardServer(monitor)
  let breaker: CircuitBreaker
  let page: Page
  let complaints: string[]

  before(() => server.start())
  after(() => server.stop())

  beforeEach(async () => {
    breaker = new CircuitBreaker({ name: 'payments' })
    monitor.watch(breaker)
    ;({ page, complaints } = await open(browser, server.url))
  })

  afterEach(async () => {
    monitor.unwatch(breaker)
    await page.close()
  })

  const press = (name: string): Promise<void> =>
    tile(page, 'payments').getByRole('button', { name, exact: true }).click()

  /** Resolves once the page shows this note. Start waiting before the action, since a note disappears by itself. */
  const note = (text: string): Promise<void> =>
    page.locator('.note').getByText(text, { exact: true }).waitFor()

  it('isolates with a reason, which every reader sees', async () => {
    const { page: other } = await open(browser, server.url)
    await press('Isolate')
    const dialog = page.getByRole('dialog', { name: 'Isolate payments' })
    await dialog.getByLabel('Reason').fill('Rolling back v214')
    const notified = note('payments is isolated.')
    await dialog.getByRole('button', { name: 'Isolate' }).click()
    for (const each of [page, other]) {
      await eventually(() => stateOf(each, 'payments'), 'Isolated')
      assert.equal(await tile(each, 'payments').locator('.why > span').innerText(), 'Rolling back v214')
      assert.equal(await each.locator('.log .reason').first().innerText(), 'Rolling back v214')
    }
    assert.equal(breaker.state, 'isolated')
    await notified
    assert.equal(await page.locator('dialog').count(), 0)
    assert.deepEqual(complaints, [])
    await other.close()
  })

  it('can do so with only a keyboard', async () => {
    await page.keyboard.press('/')
    await page.keyboard.type('pay')
    const isolate = tile(page, 'payments').getByRole('button', { name: 'Isolate' })
    for (let i = 0; i < 20 && !(await isolate.evaluate((button) => button.matches(':focus-visible'))); i++)
      await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.locator('dialog input:focus').waitFor()
    await page.keyboard.type('by keyboard')
    await page.keyboard.press('Enter')
    await eventually(() => stateOf(page, 'payments'), 'Isolated')
    assert.equal(monitor.transitions.at(-1)?.reason, 'by keyboard')
    await eventually(() => isolate.evaluate((button) => button === document.activeElement), true)
  })

  it('closes the dialog with Escape, which changes nothing', async () => {
    await press('Isolate')
    await page.locator('dialog input:focus').waitFor()
    await page.keyboard.press('Escape')
    await eventually(() => page.locator('dialog').count(), 0)
    assert.equal(breaker.state, 'closed')
    await press('Open')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await eventually(() => page.locator('dialog').count(), 0)
    assert.equal(breaker.state, 'closed')
  })

  it('opens for a given time, makes half-open and closes', async () => {
    await press('Open')
    await page.getByLabel('Seconds until a probe').fill('3000')
    await page.keyboard.press('Enter')
    await eventually(() => stateOf(page, 'payments'), 'Open')
    await eventually(
      async () => /^(?:50 min 00|49 min \d\d) s$/.test(await figure(page, 'payments', 'Next probe in')),
      true,
    )
    assert.equal(await tile(page, 'payments').locator('.why > span').innerText(), 'Manual change')
    for (const [action, state] of [
      ['Half-open', 'Half-open'],
      ['Close', 'Closed'],
    ] as const) {
      await eventually(() => page.locator('dialog').count(), 0)
      await press(action)
      await page.locator('dialog button[type=submit]').click()
      await eventually(() => stateOf(page, 'payments'), state)
    }
  })

  it('is notified when nothing was changed', async () => {
    await press('Close')
    assert.match(await page.locator('dialog').innerText(), /It is already closed/)
    const notified = note('payments: the state was not changed.')
    await page.locator('dialog button[type=submit]').click()
    await notified
  })

  it('sees what the server rejects, and can try again', async () => {
    await press('Isolate')
    monitor.unwatch(breaker)
    await page.locator('dialog button[type=submit]').click()
    await eventually(() => page.getByRole('alert').innerText(), 'No breaker has this id')
    monitor.watch(breaker)
    await page.locator('dialog button[type=submit]').click()
    await eventually(() => stateOf(page, 'payments'), 'Isolated')
  })

  it('has no buttons for a breaker that is not enforced', async () => {
    breaker.mode = 'observe'
    await eventually(() => tile(page, 'payments').getByRole('button').count(), 0)
    assert.match(await tile(page, 'payments').locator('.mode').innerText(), /^Observe only$/)
  })
})

describe('a reader who may not control', () => {
  it('sees a note and no buttons', async () => {
    const monitor = new CircuitBreakerMonitor()
    monitor.watch(new CircuitBreaker({ name: 'payments' }))
    const server = await new DashboardServer(monitor, {}).start()
    const { page, complaints } = await open(browser, server.url)
    await page.getByText('Read-only').waitFor()
    await tile(page, 'payments').locator('.uplot').waitFor()
    assert.equal(await tile(page, 'payments').getByRole('button').count(), 0)
    assert.deepEqual(complaints, [])
    await page.close()
    await server.stop()
  })
})
