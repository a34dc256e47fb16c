/** What can be asked for below the mount point. */
export const ENDPOINTS = ['', 'page.js', 'page.css', 'snapshot', 'health', 'events', 'control'] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/** Where a request leads: to an endpoint, to the page's own URL, or nowhere. */
export type Route =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'nowhere' }

const NOWHERE: Route = { kind: 'nowhere' }

/**
 * Finds the endpoint that a path means. All URLs in the page are relative to a path that ends with a slash, so that
 * where the dashboard is mounted need not be known: the last segment decides. What is lost without `mount` is only to
 * tell the mount point itself, without its slash, from a path that does not exist: then whoever goes there with a
 * browser is led on.
 *
 * @param mount where the dashboard is, without a slash at the end; `undefined` if not known
 */
export function findRoute(request: Request, mount: string | undefined): Route {
  const { pathname, search } = new URL(request.url)
  const base = mount ?? pathname.slice(0, pathname.lastIndexOf('/'))
  if (pathname !== base && !pathname.startsWith(`${base}/`)) return NOWHERE
  const name = pathname.slice(base.length + 1)
  const endpoint = ENDPOINTS.find((each) => each === name)
  const atMount = mount === undefined ? endpoint === undefined && isNavigation(request) : pathname === mount
  if (atMount) {
    // Relative, so that it holds behind a proxy that changes the path, and cannot lead to another host.
    const location = `./${pathname.slice(pathname.lastIndexOf('/') + 1)}/${search}`
    return { kind: 'redirect', location }
  }
  return endpoint === undefined ? NOWHERE : { kind: 'endpoint', endpoint }
}

function isNavigation({ headers }: Request): boolean {
  return headers.get('sec-fetch-mode') === 'navigate' || !!headers.get('accept')?.includes('text/html')
}
