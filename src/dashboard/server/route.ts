/** The endpoints, relative to the mount point. */
export const ENDPOINTS = ['', 'page.js', 'page.css', 'snapshot', 'health', 'events', 'control'] as const

export type Endpoint = (typeof ENDPOINTS)[number]

/** The target of a request: an endpoint, a redirect to the page's URL, or nothing. */
export type Route =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'nowhere' }

const NOWHERE: Route = { kind: 'nowhere' }

/**
 * Finds the endpoint for a request. All URLs in the page are relative to a path with a trailing slash, so the mount
 * point need not be known: the last segment decides. Without `mount`, the only ambiguity is between the mount point
 * without its trailing slash and a path that does not exist. A navigation to such a path is redirected to the path with
 * a slash; any other request leads nowhere.
 *
 * @param mount the path of the mount point, without a trailing slash; `undefined` if unknown
 */
export function findRoute(request: Request, mount: string | undefined): Route {
  const { pathname, search } = new URL(request.url)
  const base = mount ?? pathname.slice(0, pathname.lastIndexOf('/'))
  if (pathname !== base && !pathname.startsWith(`${base}/`)) return NOWHERE
  const name = pathname.slice(base.length + 1)
  const endpoint = ENDPOINTS.find((each) => each === name)
  const atMount = mount === undefined ? endpoint === undefined && isNavigation(request) : pathname === mount
  if (atMount) {
    // Relative, so that it works behind a proxy that rewrites paths and cannot point to another host.
    const location = `./${pathname.slice(pathname.lastIndexOf('/') + 1)}/${search}`
    return { kind: 'redirect', location }
  }
  return endpoint === undefined ? NOWHERE : { kind: 'endpoint', endpoint }
}

function isNavigation({ headers }: Request): boolean {
  return headers.get('sec-fetch-mode') === 'navigate' || !!headers.get('accept')?.includes('text/html')
}
