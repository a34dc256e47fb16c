export type Part = 'html' | 'script' | 'style'

/** Loads the page when it is first requested, so that a service starts without it. */
export async function loadPage(): Promise<Readonly<Record<Part, string>>> {
  const { page } = await import('./assets.ts')
  return page
}
