// Takes the screenshots of the dashboard in docs/. Needs Chromium, and looks best with the font Inter installed.
// Usage: npm run screenshots
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { eventually, launch, open } from '../test/system/browser/support/chromium.ts'
import { DashboardServer } from '../test/system/browser/support/server.ts'
import { figure, tile } from '../test/system/browser/support/tiles.ts'
import { World } from '../test/system/browser/support/world.ts'

interface Picture {
  readonly name: string
  readonly options: BrowserContextOptions
  readonly prepare?: (page: Page) => Promise<void>
}

const desktop = { viewport: { width: 1_400, height: 960 } }
const wide = { viewport: { width: 1_680, height: 1_345 } }
const phone = { viewport: { width: 360, height: 760 }, deviceScaleFactor: 2 }

async function openDialog(page: Page): Promise<void> {
  await tile(page, 'payments').getByRole('button', { name: 'Isolate', exact: true }).click()
  await page.locator('dialog input').fill('Provider is down until 16:00')
}

const pictures: readonly Picture[] = [
  { name: 'light', options: { ...wide, colorScheme: 'light' } },
  { name: 'dark', options: { ...desktop, colorScheme: 'dark' } },
  {
    name: 'dialog',
    options: { viewport: { width: 1_000, height: 640 }, colorScheme: 'light' },
    prepare: openDialog,
  },
  { name: 'phone', options: { ...phone, colorScheme: 'dark' } },
]

const browser = await launch()
for (const { name, options, prepare } of pictures) {
  // A new world for each picture, so that they all show the same moment.
  const world = new World()
  const server = await new DashboardServer(world.monitor).start()
  const { page } = await open(browser, server.url, { ...options, reducedMotion: 'reduce' })
  await page.locator('.tile .uplot').first().waitFor()
  await eventually(async () => /^\d+ s$/.test(await figure(page, 'payments', 'Next probe in')), true)
  await prepare?.(page)
  const path = join(import.meta.dirname, `../docs/dashboard-${name}.png`)
  await page.screenshot({ path })
  console.log(`docs/dashboard-${name}.png ${Math.round(statSync(path).size / 1_000)} kB`)
  await page.close()
  await server.stop()
  world.end()
}
await browser.close()
