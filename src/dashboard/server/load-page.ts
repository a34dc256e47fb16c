export type Part = 'html' | 'script' | 'style'

/** Loads the page on the first request, so that starting a service does not load it. */
export async function loadPage(): Promise<Readonly<Record<Part, string>>> {
  const { page } = await import('./assets.ts')
  return page
}
