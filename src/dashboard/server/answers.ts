import type { ErrorBody } from '../protocol.ts'

/** Security headers of every response: no inline code, nothing from other origins, no framing by other sites. */
const SECURITY: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export type HeaderFields = Readonly<Record<string, string>>

/** Encodes text as UTF-8. The encoder is created on use, because Jest's jsdom loads this module but has no encoder. */
export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

export function answer(
  status: number,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null,
  fields: HeaderFields,
): Response {
  const length: HeaderFields = body instanceof Uint8Array ? { 'content-length': String(body.byteLength) } : {}
  return new Response(body, {
    status,
    headers: { 'cache-control': 'no-store', ...SECURITY, ...length, ...fields },
  })
}

export function json(body: unknown, status = 200, fields: HeaderFields = {}): Response {
  const type = { 'content-type': 'application/json; charset=utf-8' }
  return answer(status, encode(JSON.stringify(body)), { ...type, ...fields })
}

/** Returns an unsuccessful response. `error` tells the client what to do and must not reveal internals. */
export function refusal(status: number, error: string, fields?: HeaderFields): Response {
  return json({ error } satisfies ErrorBody, status, fields)
}

/** Returns the same response without its body, for HEAD. */
export function withoutBody({ status, headers }: Response): Response {
  return new Response(null, { status, headers })
}
