/**
 * Returns false if a page of another origin sent the request. Clients that are not browsers send neither header, and no
 * cookies behind their user's back. `none` means that the user entered the URL.
 *
 * `sec-fetch-site` takes precedence: behind a proxy, the host in the request may differ from the one the browser used.
 */
export function isSameOrigin({ url, headers }: Request): boolean {
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = headers.get('origin')
  if (origin === null) return true
  // Compares hosts only: the scheme is lost if a proxy terminates TLS.
  return URL.canParse(origin) && [headers.get('host'), new URL(url).host].includes(new URL(origin).host)
}
