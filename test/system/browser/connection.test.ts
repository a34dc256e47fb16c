import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Browser } from 'playwright-core'
import { createDashboard } from '../../../src/dashboard/server/index.ts'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { eventually, launch, open } from './support/chromium.ts'
import { DashboardServer } from './support/server.ts'
import { names, stateOf, tile } from './support/tiles.ts'

describe('the connection of the page', () => {
  let browser: Browser
  let monitor: CircuitBreakerMonitor

  before(async () => {
    browser = await launch()
  })
  after(() => browser.close())

  beforeEach(() => {
    monitor = new CircuitBreakerMonitor()
    monitor.watch(new CircuitBreaker({ name: 'payments' }))
  })

  it('reconnects by itself after a restart of the server, and shows what was missed', async (t) => {
    const server = await new DashboardServer(monitor).start()
    t.after(() => server.stop())
    const { page } = await open(browser, server.url)
    const pageErrors: Error[] = []
    page.on('pageerror', (error) => pageErrors.push(error))
    await server.stop()
    await page.locator('.link[data-link=lost]').waitFor()
    assert.match(await page.locator('.link').innerText(), /^Reconnecting · as of \d\d:\d\d:\d\d$/)
    assert.equal(await stateOf(page, 'payments'), 'Closed')

    monitor.isolate('payments', 'while nobody looked')
    monitor.watch(new CircuitBreaker({ name: 'search' }))
    await server.start()
    await page.locator('.link[data-link=live]').waitFor()
    assert.equal(await stateOf(page, 'payments'), 'Isolated')
    assert.deepEqual(await names(page), ['payments', 'search'])
    monitor.close('payments')
    await eventually(() => stateOf(page, 'payments'), 'Closed')
    assert.deepEqual(pageErrors, [])
    await page.close()
  })

  it('reconnects after it was refused because of too many readers', async (t) => {
    const server = await new DashboardServer(monitor, { maxStreams: 1 }).start()
    t.after(() => server.stop())
    const { page: first } = await open(browser, server.url)
    const second = await browser.newPage()
    const refused = second.waitForResponse((response) => response.status() === 503)
    await second.goto(server.url)
    await refused
    await second.locator('.link[data-link=lost]').waitFor()
    await first.close()
    await second.locator('.link[data-link=live]').waitFor()
    assert.equal(await stateOf(second, 'payments'), 'Closed')
    await second.close()
  })

  it('reports that a command did not arrive', async (t) => {
    const server = await new DashboardServer(monitor).start()
    t.after(() => server.stop())
    const { page } = await open(browser, server.url)
    await tile(page, 'payments').getByRole('button', { name: 'Isolate' }).click()
    await server.stop()
    await page.locator('dialog button[type=submit]').click()
    await eventually(
      () => page.getByRole('alert').innerText(),
      'The server does not answer. Nothing was changed, as far as this page knows.',
    )
    await page.close()
  })

  it('is re-established when the server falls silent', async (t) => {
    let streams = 0
    const dashboard = createDashboard(monitor)
    // Sends the beginning of a stream, and then nothing.
    const server = createServer((request, response) => {
      if (!request.url?.endsWith('/events')) return dashboard.node(request, response)
      const event = { control: false, snapshot: monitor.snapshot(), transitions: [] }
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`event: snapshot\ndata: ${JSON.stringify(event)}\n\n`)
      streams++
    })
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    const page = await browser.newPage()
    await page.clock.install()
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`)
    await page.locator('.link[data-link=live]').waitFor()
    assert.equal(streams, 1)
    await page.clock.fastForward(20_000)
    await eventually(async () => streams, 2)
    await page.locator('.link[data-link=live]').waitFor()
    await page.close()
  })
})
