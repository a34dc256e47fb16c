import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, BrowserContextOptions, FrameLocator, Locator, Page } from 'playwright-core'
import { Running } from '../package/cli-world.ts'
import { violations } from './support/axe.ts'
import { eventually, launch, newPage } from './support/chromium.ts'

describe('the page of recloser demo', () => {
  let browser: Browser
  let demo: Running
  let url = ''

  before(async () => {
    demo = new Running(['demo'])
    await demo.until(/The demo is at (\S+) /)
    url = /at (\S+) /.exec(demo.out)![1]!
    browser = await launch()
  })

  after(async () => {
    await browser.close()
    assert.equal(await demo.end('SIGTERM'), 0)
  })

  interface Opened {
    readonly page: Page
    readonly dashboard: FrameLocator
    /** Errors and warnings in the console, including policy violations, and uncaught errors. */
    readonly complaints: string[]
  }

  async function open(options: BrowserContextOptions = {}): Promise<Opened> {
    const viewport = { width: 1_280, height: 1_000 }
    const { page, complaints } = await newPage(browser, { viewport, ...options })
    await page.goto(url)
    const dashboard = page.frameLocator('iframe')
    await dashboard.getByRole('heading', { name: 'payments', exact: true }).waitFor()
    return { page, dashboard, complaints }
  }

  const fault = (page: Page, part: string, name: string): Locator =>
    page.getByRole('group', { name: part, exact: true }).getByRole('radio', { name, exact: true })

  async function stateOf(dashboard: FrameLocator, name: string): Promise<string> {
    const heading = dashboard.getByRole('heading', { name, exact: true })
    return (
      (await dashboard.locator('li').filter({ has: heading }).locator('.state').first().textContent()) ?? ''
    )
  }

  it('makes a part of the service fail, and the dashboard below shows how its breaker opens and closes', async () => {
    const { page, dashboard, complaints } = await open()
    // On a slow machine a breaker may open by itself for a while.
    await eventually(() => stateOf(dashboard, 'prices'), 'Closed')
    await fault(page, 'prices', 'fail').check()
    await eventually(() => stateOf(dashboard, 'prices'), 'Open')
    await eventually(() => stateOf(dashboard, 'search'), 'Closed')
    await fault(page, 'prices', 'ok').check()
    await eventually(() => stateOf(dashboard, 'prices'), 'Closed')
    assert.deepEqual(complaints, [])
    await page.close()
  })

  it('breaks and repairs the whole service at once, also by keyboard', async () => {
    const { page, dashboard, complaints } = await open()
    await fault(page, 'the whole service', 'ok').focus()
    await page.keyboard.press('ArrowRight')
    for (const name of ['prices', 'stock', 'payments', 'search']) {
      await eventually(() => fault(page, name, 'fail').isChecked(), true)
      await eventually(() => stateOf(dashboard, name), 'Open')
    }
    assert.equal(await stateOf(dashboard, 'reviews'), 'Closed')
    await fault(page, 'the whole service', 'ok').check()
    for (const name of ['prices', 'stock']) await eventually(() => stateOf(dashboard, name), 'Closed')
    assert.deepEqual(complaints, [])
    await page.close()
  })

  it('isolates by a click in the dashboard: in a demo every reader may control', async () => {
    const { page, dashboard, complaints } = await open()
    const heading = dashboard.getByRole('heading', { name: 'payments', exact: true })
    await dashboard
      .locator('li')
      .filter({ has: heading })
      .getByRole('button', { name: 'Isolate', exact: true })
      .click()
    const dialog = dashboard.getByRole('dialog')
    await dialog.getByLabel('Reason').fill('by a click')
    await dialog.getByRole('button', { name: 'Isolate' }).click()
    await eventually(() => stateOf(dashboard, 'payments'), 'Isolated')
    await demo.until(/payments: \S+ → ■ isolated \(by a click\)/)
    assert.deepEqual(complaints, [])
    await page.close()
  })

  it('changes the traffic', async () => {
    const { page, complaints } = await open()
    await page.getByRole('slider', { name: 'Traffic' }).fill('0')
    const text = page.locator('#rate-text')
    await eventually(() => text.innerText(), '0 calls per second')
    const tally = page.getByRole('group', { name: 'reviews' }).locator('.tally')
    await eventually(async () => {
      const before = await tally.innerText()
      await sleep(1_500)
      return (await tally.innerText()) === before
    }, true)
    await page.getByRole('slider', { name: 'Traffic' }).fill('50')
    await eventually(() => text.innerText(), '50 calls per second')
    assert.deepEqual(complaints, [])
    await page.close()
  })

  for (const [what, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['on a narrow phone', { viewport: { width: 320, height: 640 } }],
  ] as const) {
    it(`is accessible and does not scroll sideways: ${what}`, async () => {
      const { page, complaints } = await open(options)
      await page.getByRole('group', { name: 'reviews' }).waitFor()
      assert.deepEqual(await violations(page), [])
      const wider = (await page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number
      assert.ok(wider <= 0, `${wider} pixels too wide`)
      assert.deepEqual(complaints, [])
      await page.close()
    })
  }

  it('shows that the demo has ended', async () => {
    const other = new Running(['demo'])
    await other.until(/The demo is at (\S+) /)
    const page = await browser.newPage()
    await page.goto(/at (\S+) /.exec(other.out)![1]!)
    await page.getByRole('group', { name: 'reviews' }).waitFor()
    assert.equal(await other.end('SIGINT'), 0)
    await eventually(() => page.locator('#status').innerText(), 'The demo has ended, or cannot be reached.')
    await page.close()
  })
})
