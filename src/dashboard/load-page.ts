export type Part = 'html' | 'script' | 'style'

/** The page is loaded when somebody looks at it: a service that starts need not wait for it. */
export async function loadPage(): Promise<Readonly<Record<Part, string>>> {
  const { page } = await import('./assets.ts')
  return page
}
