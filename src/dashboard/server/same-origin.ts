/**
 * False if a page of another origin sent the request. What is no browser sends neither header, and no cookies that
 * it was not meant to send; `none` is the user, by the address bar.
 *
 * A browser's word comes first: behind a proxy the host that we see may not be the one that the user sees.
 */
export function isSameOrigin({ url, headers }: Request): boolean {
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin' || site === 'none'
  const origin = headers.get('origin')
  if (origin === null) return true
  // Without the scheme: it is lost where TLS ends before us.
  return URL.canParse(origin) && [headers.get('host'), new URL(url).host].includes(new URL(origin).host)
}
