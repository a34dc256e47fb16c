import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { MemoryStorage } from '../../../src/storage/index.ts'
import { violations } from './support/axe.ts'
import { eventually, launch, open } from './support/chromium.ts'
import { DashboardServer } from './support/server.ts'
import { stateOf, tile } from './support/tiles.ts'

describe('a breaker of a fleet on the page', () => {
  let reachable = true
  const storage = new MemoryStorage({
    faults: {
      before: () => {
        if (!reachable) throw new Error('unreachable')
      },
    },
  })
  const member = (reporter: string): CircuitBreaker =>
    new CircuitBreaker({ name: 'payments', storage, reporter })
  const watched = member('host-a')
  const other = member('host-b')
  const monitor = new CircuitBreakerMonitor()
  const server = new DashboardServer(monitor)
  let browser: Browser
  let page: Page
  let complaints: string[]

  before(async () => {
    monitor.watch(watched)
    monitor.watch(new CircuitBreaker({ name: 'alone' }))
    await server.start()
    browser = await launch()
    ;({ page, complaints } = await open(browser, server.url))
  })
  after(async () => {
    await browser.close()
    await server.stop()
  })

  const badges = (id: string): Promise<string[]> => tile(page, id).locator('.mode').allInnerTexts()

  /** The explanation that the dialog of a command shows; the command is not sent. */
  async function meaning(id: string, command: string): Promise<string> {
    await tile(page, id).getByRole('button', { name: command, exact: true }).click()
    const dialog = page.getByRole('dialog', { name: `${command} ${id}` })
    const described = await dialog.getAttribute('aria-describedby')
    const text = await page.locator(`[id="${described}"]`).innerText()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    return text.trim()
  }

  it('shows only the scope of a command while the fleet is healthy', async () => {
    await watched.call(() => 1)
    await eventually(
      () => meaning('payments', 'Isolate'),
      'Rejects every call until the circuit is closed. On all processes of its fleet.',
    )
    assert.deepEqual(await badges('payments'), [])
    assert.equal(await meaning('alone', 'Isolate'), 'Rejects every call until the circuit is closed.')
  })

  it('shows that its state is that of the fleet, and in the details which host caused it, and why', async () => {
    other.isolate('maintenance')
    await eventually(() => stateOf(page, 'payments'), 'Isolated')
    await eventually(() => badges('payments'), ['Fleet'])
    assert.equal(await tile(page, 'payments').locator('.why > span').last().innerText(), 'Maintenance')
    await tile(page, 'payments').locator('summary').click()
    const { by } = watched.snapshot().fleet!
    assert.notEqual(by, '')
    await eventually(
      () => tile(page, 'payments').locator('.fleet').innerText(),
      `Isolated: maintenance, by ${by}`,
    )
    await tile(page, 'alone').locator('summary').click()
    assert.equal(await tile(page, 'alone').locator('.fleet').count(), 0)
    assert.deepEqual(await violations(page), [])
  })

  it('is closed on all processes by a click', async () => {
    await tile(page, 'payments').getByRole('button', { name: 'Close' }).click()
    await page.locator('dialog button[type=submit]').click()
    await eventually(() => stateOf(page, 'payments'), 'Closed')
    await eventually(async () => other.state, 'closed')
    await eventually(() => badges('payments'), [])
  })

  it('shows that its fleet is unreachable, and that a command is local for now', async () => {
    reachable = false
    await watched.call(() => Promise.reject(new Error('down'))).catch(() => {})
    await eventually(() => badges('payments'), ['Fleet unreachable'])
    assert.equal(
      await meaning('payments', 'Isolate'),
      'Rejects every call until the circuit is closed. ' +
        'Now in this process only: its fleet cannot be reached, and receives the change later.',
    )
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      assert.deepEqual(await violations(page), [])
    }
    assert.deepEqual(complaints, [])
  })
})
