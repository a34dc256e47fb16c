import type { ErrorBody } from '../protocol.ts'

/** Of every answer. Nothing inline, nothing from elsewhere, in no other site's frame. */
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

/** UTF-8, in a form that every `Response` takes. The encoder is made here because Jest's jsdom loads this and has none. */
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

/** An answer that is not a success. `error` says what to do and nothing of what is inside. */
export function refusal(status: number, error: string, fields?: HeaderFields): Response {
  return json({ error } satisfies ErrorBody, status, fields)
}

/** The same answer to HEAD. */
export function withoutBody({ status, headers }: Response): Response {
  return new Response(null, { status, headers })
}
