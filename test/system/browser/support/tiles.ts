import type { Locator, Page } from 'playwright-core'

/** The tile of one breaker. */
export function tile(page: Page, id: string): Locator {
  return page.locator('.tiles > li').filter({ has: page.getByRole('heading', { name: id, exact: true }) })
}

/** The name of its state. */
export async function stateOf(page: Page, id: string): Promise<string> {
  // Text outside the viewport is not rendered, so `innerText` would be empty.
  return (await tile(page, id).locator('.state').textContent()) ?? ''
}

/** The text of one of its figures. */
export function figure(page: Page, id: string, label: string): Promise<string> {
  return tile(page, id).locator(`dl > div:has(> dt:text-is("${label}")) > dd`).first().innerText()
}

/** The names of the tiles in order. */
export function names(page: Page): Promise<string[]> {
  return page.locator('.tiles h3').allTextContents()
}
