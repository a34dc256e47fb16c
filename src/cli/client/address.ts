import { UsageError, type Input, type OptionSpec } from '../base/command.ts'
import { printable, quote } from '../base/text.ts'

/** Where a dashboard is, and which headers to send to it. */
export interface Address {
  /** Ends with a slash, so that `./events` resolves below it. Contains no credentials. */
  readonly url: URL
  readonly headers: Headers
}

/** The options of every command that talks to a dashboard. */
export const ADDRESS_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  header: {
    type: 'string',
    multiple: true,
    value: "'NAME: VALUE'",
    help: "sent with every request, such as 'Authorization: Bearer …'",
  },
}

/**
 * Returns the address of the dashboard that the command line names.
 *
 * @throws {UsageError} when the URL or a header is invalid.
 */
export function readAddress(input: Input): Address {
  const url = readUrl(input.positionals[0] ?? '')
  const headers = new Headers()
  for (const header of input.texts('header')) addHeader(headers, header)
  // fetch refuses a URL with credentials, but users of curl expect it to work.
  if ((url.username !== '' || url.password !== '') && !headers.has('authorization')) {
    headers.set('authorization', basic(url))
  }
  url.username = ''
  url.password = ''
  return { url, headers }
}

function basic({ username, password }: URL): string {
  try {
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return `Basic ${Buffer.from(credentials).toString('base64')}`
  } catch {
    throw new UsageError(
      'Expected URL to be a URL, got one whose user or password has an invalid percent sign',
    )
  }
}

function readUrl(text: string): URL {
  if (!/^https?:\/\//i.test(text)) {
    const guess = /^(?:localhost|[\w.-]+:\d+|\d+\.\d+\.\d+\.\d+|[\w-]+\.[\w.-]+)(?:[/:?].*)?$/.test(text)
    throw new UsageError(
      `Expected URL to begin with http:// or https://, got ${quote(text)}.` +
        (guess ? ` Did you mean http://${text}?` : ''),
    )
  }
  if (!URL.canParse(text)) throw new UsageError(`Expected URL to be a URL, got ${quote(text)}`)
  const url = new URL(text)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  url.hash = ''
  return url
}

function addHeader(headers: Headers, header: string): void {
  const [, name, value] = /^([^:]+):(.*)$/s.exec(header) ?? []
  // The value may be a secret, so the message does not repeat it.
  if (name === undefined || value === undefined) {
    throw new UsageError("Expected --header to be 'NAME: VALUE', got no colon in it")
  }
  try {
    headers.append(name.trim(), value.trim())
  } catch {
    throw new UsageError(`Expected --header to be 'NAME: VALUE', got one that HTTP forbids: ${quote(name)}`)
  }
}

/** Returns a URL for use in messages, without the query, which may contain a secret. */
export function showUrl(url: URL): string {
  return printable(`${url.origin}${url.pathname}`)
}
