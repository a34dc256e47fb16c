import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { eventually, launch, open } from './support/chromium.ts'
import { violations } from './support/axe.ts'
import { DashboardServer } from './support/server.ts'
import { tile } from './support/tiles.ts'
import { World } from './support/world.ts'

const LOOKS: readonly (readonly [string, BrowserContextOptions])[] = [
  ['in light colors', { colorScheme: 'light' }],
  ['in dark colors', { colorScheme: 'dark' }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 360, height: 740 } }],
]

describe('the page is accessible by WCAG 2 A and AA, as far as axe can tell,', () => {
  let browser: Browser
  let world: World
  let server: DashboardServer

  before(async () => {
    world = new World()
    server = await new DashboardServer(world.monitor).start()
    browser = await launch()
  })
  after(async () => {
    await browser.close()
    await server.stop()
    world.end()
  })

  async function show(options: BrowserContextOptions): Promise<Page> {
    const { page } = await open(browser, server.url, options)
    await page.locator('.tile .uplot').first().waitFor()
    return page
  }

  /**
   * The world keeps changing: the tile that was the worst may be far down by now, and not rendered until scrolled to.
   */
  const reach = (page: Page): Promise<void> => tile(page, 'payments').scrollIntoViewIfNeeded()

  for (const [look, options] of LOOKS) {
    it(`${look}, with details and filters in use`, async () => {
      const page = await show(options)
      assert.deepEqual(await violations(page), [])
      await reach(page)
      await tile(page, 'payments').locator('summary').click()
      await page.locator('.chip[data-state=open]').click()
      assert.deepEqual(await violations(page), [])
      await page.getByLabel('Search by name').fill('nothing is called so')
      await page.getByText('No breaker matches.').waitFor()
      assert.deepEqual(await violations(page), [])
      await page.close()
    })

    it(`${look}, with a dialog open`, async () => {
      const page = await show(options)
      for (const action of ['Isolate', 'Open', 'Half-open', 'Close']) {
        await reach(page)
        await tile(page, 'payments').getByRole('button', { name: action, exact: true }).click()
        await page.getByRole('dialog', { name: `${action} payments` }).waitFor()
        assert.deepEqual(await violations(page), [])
        await page.keyboard.press('Escape')
        await page.locator('dialog').waitFor({ state: 'detached' })
      }
      await page.close()
    })
  }

  it('has landmarks, and a heading for every breaker', async () => {
    const page = await show({})
    for (const role of ['banner', 'main', 'search', 'complementary'] as const)
      assert.equal(await page.getByRole(role).count(), 1, role)
    assert.equal(await page.getByRole('heading', { level: 1 }).count(), 1)
    assert.equal(await page.getByRole('main').getByRole('heading', { level: 3 }).count(), 12)
    assert.equal(await page.getByRole('article', { name: 'payments' }).count(), 1)
    await page.close()
  })

  it('lets the keyboard skip to the breakers, past the toolbar', async () => {
    const page = await show({})
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    // Whichever tile is first now: tiles do not move while one has the focus.
    const first = "document.activeElement.closest('.tiles li') === document.querySelector('.tiles li')"
    await eventually(() => page.evaluate(first), true)
    await page.close()
  })

  it('reaches every tile with Tab, however far down, and the toolbar hides no focused element', async () => {
    const page = await show({ viewport: { width: 700, height: 500 } })
    const seen = new Set<unknown>()
    await page.getByLabel('Sort by').focus()
    for (let i = 0; i < 200 && seen.size < 12; i++) {
      await page.keyboard.press('Tab')
      const [id, hidden] = (await page.evaluate(`(() => {
        const { activeElement } = document
        const tile = activeElement.closest('.tiles li')
        const bottom = document.querySelector('.toolbar').getBoundingClientRect().bottom
        return [tile?.dataset.id, tile !== null && activeElement.getBoundingClientRect().bottom <= bottom]
      })()`)) as [string | undefined, boolean]
      assert.equal(hidden, false, `the focus in ${id} is hidden`)
      if (id !== undefined) seen.add(id)
    }
    assert.equal(seen.size, 12)
    await page.close()
  })

  it('animates nothing for readers who prefer reduced motion', async () => {
    const page = await show({ reducedMotion: 'reduce' })
    const moving = `[...document.querySelectorAll('*')].filter((each) =>
      ['', '::before', '::after'].some((part) => {
        const { animationName, transitionDuration } = getComputedStyle(each, part || null)
        return animationName !== 'none' || transitionDuration !== '0s'
      })).length`
    assert.equal(await page.evaluate(moving), 0)
    await page.close()
  })

  for (const width of [320, 360]) {
    it(`needs no horizontal scrolling on a screen of ${width} pixels`, async () => {
      const page = await show({ viewport: { width, height: 740 } })
      for (const summary of await page.locator('summary').all()) await summary.click()
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width)
      const tooWide = `[...document.querySelectorAll('.tile *')].filter((each) =>
        each.getBoundingClientRect().right > innerWidth && !each.closest('.visually-hidden')).length`
      assert.equal(await page.evaluate(tooWide), 0)
      await page.close()
    })
  }
})
