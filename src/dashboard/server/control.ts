import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { aString, check, nonNegative, oneOf, readOptions, type Check } from '../../base/validate.ts'
import { json, refusal } from './answers.ts'
import {
  CONTROL_HEADER,
  CONTROL_HEADER_VALUE,
  type ControlAction,
  type ControlRequest,
  type ControlResult,
} from '../protocol.ts'
import { isSameOrigin } from './same-origin.ts'

const MAX_BODY = 10_000

const METHODS = {
  open: 'open',
  isolate: 'isolate',
  close: 'close',
  'half-open': 'halfOpen',
} as const satisfies Record<ControlAction, keyof CircuitBreakerMonitor>

// The reason is shown to everyone, also in terminals, so control characters and line breaks become spaces. A long one is
// cut by the breaker, and not refused: a change in an emergency must not fail because of its reason.
const aReason: Check = (value, name) => {
  aString(value, name)
  return (value as string).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

const checks: { readonly [Name in keyof ControlRequest]-?: Check } = {
  id: aString,
  action: oneOf(Object.keys(METHODS)),
  reason: aReason,
  for: nonNegative,
}

/** Answers `POST ./control`. Calls `findActor` only for requests that pass the cross-site checks. */
export async function answerControl(
  monitor: CircuitBreakerMonitor,
  request: Request,
  findActor: () => Promise<string | undefined>,
): Promise<Response> {
  if (!isSameOrigin(request)) return refusal(403, 'Control is refused to pages of another origin')
  if (request.headers.get(CONTROL_HEADER) !== CONTROL_HEADER_VALUE) {
    return refusal(403, `Expected the header ${CONTROL_HEADER}: ${CONTROL_HEADER_VALUE}`)
  }
  const actor = await findActor()
  if (actor === undefined) return refusal(403, 'Not authorized to control breakers')
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return refusal(415, 'Expected content-type: application/json')
  }
  const body = await readText(request, MAX_BODY)
  if (typeof body !== 'string') return refusal(body.status, body.error)
  let command: ControlRequest
  try {
    command = readCommand(body)
  } catch (error) {
    return refusal(400, error instanceof SyntaxError ? 'Expected a body of JSON' : (error as Error).message)
  }
  const { id, action, reason, for: openFor } = command
  if (!monitor.has(id)) return refusal(404, 'No breaker has this id')
  const options = { reason: reason || undefined, actor, ...(action === 'open' && { for: openFor }) }
  const changed = monitor[METHODS[action]](id, options)
  const breaker = monitor.report(id)
  // A listener may have removed the breaker.
  if (breaker === undefined) return refusal(404, 'No breaker has this id any more')
  return json({ changed, breaker } satisfies ControlResult)
}

/** @throws {SyntaxError | TypeError | RangeError} when the body is invalid; all but a `SyntaxError` suit the user. */
function readCommand(body: string): ControlRequest {
  const command = readOptions<ControlRequest>(JSON.parse(body), checks, 'the body')
  aString(command.id, 'id')
  checks.action(command.action, 'action')
  check(
    command.for === undefined || command.action === 'open',
    'for',
    "given with action 'open' only",
    command.for,
  )
  return command
}

/** Why a body cannot be read: a status and a sentence for the user. */
interface Unreadable {
  readonly status: 400 | 413
  readonly error: string
}

/** Returns the body as text, or why it cannot be read. Accepts at most `limit` bytes, whatever the headers claim. */
async function readText({ body }: Request, limit: number): Promise<string | Unreadable> {
  if (body === null) return ''
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let text = ''
  let size = 0
  try {
    reader = (body as ReadableStream<Uint8Array>).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      size += value.byteLength
      if (size > limit) return { status: 413, error: `Expected a body of at most ${limit} bytes` }
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    return { status: 400, error: 'Expected a body of text in UTF-8, and all of it' }
  } finally {
    // The rest of the body is not needed.
    reader?.cancel().catch(() => {})
  }
}
